#include "text/stream_decoder.h"

namespace vivace {

// Passes tokens through the stages from first_stage on and joins what comes out.
std::string StreamDecoder::run(std::vector<std::string> tokens, size_t first_stage) {
  for (size_t i = first_stage; i < m_stages.size(); ++i) {
    std::vector<std::string> next;
    for (std::string& token : tokens) m_stages[i]->push(std::move(token), &next);
    tokens = std::move(next);
  }
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

std::string StreamDecoder::push(std::string_view token) {
  return run({std::string(token)}, 0);
}

std::string StreamDecoder::finish() {
  std::string text;
  for (size_t i = 0; i < m_stages.size(); ++i) {
    std::vector<std::string> tokens;
    m_stages[i]->finish(&tokens);
    text += run(std::move(tokens), i + 1);
  }
  return text;
}

}  // namespace vivace
