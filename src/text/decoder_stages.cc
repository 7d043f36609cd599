#include "text/decoder_stages.h"

#include <array>
#include <utility>

#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/byte_fallback.h"

namespace vivace {
namespace {

// Every place of from (not empty) in text, left to right, becomes to.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  size_t begin = 0;
  for (size_t place = text.find(from); place != std::string_view::npos; place = text.find(from, begin)) {
    replaced.append(text, begin, place - begin).append(to);
    begin = place + from.size();
  }
  return replaced.append(text, begin);
}

// The package's clean-up of English spacing.
std::string clean_up(std::string text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{{" .", "."},
                                                                                            {" ?", "?"},
                                                                                            {" !", "!"},
                                                                                            {" ,", ","},
                                                                                            {" ' ", "'"},
                                                                                            {" n't", "n't"},
                                                                                            {" 'm", "'m"},
                                                                                            {" do not", " don't"},
                                                                                            {" 's", "'s"},
                                                                                            {" 've", "'ve"},
                                                                                            {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) text = replace_all(text, from, to);
  return text;
}

std::string blank_and(std::string_view token) {
  return std::string(1, ' ').append(token);
}

void push_unless_empty(std::string text, std::vector<std::string>* out) {
  if (!text.empty()) out->push_back(std::move(text));
}

}  // namespace

void BlankStage::push(std::string token, std::vector<std::string>* out) {
  if (!m_is_first) token = blank_and(token);
  out->push_back(std::move(token));
  m_is_first = false;
}

void ByteLevelStage::push(std::string token, std::vector<std::string>* out) {
  std::string text;
  m_bytes.push(characters_to_bytes(token).value_or(token), &text);
  push_unless_empty(std::move(text), out);
}

void ByteLevelStage::finish(std::vector<std::string>* out) {
  std::string text;
  m_bytes.finish(&text);
  push_unless_empty(std::move(text), out);
}

void WordPieceStage::push(std::string token, std::vector<std::string>* out) {
  if (!m_is_first) {
    if (token.starts_with(m_prefix)) {
      token.erase(0, m_prefix.size());
    } else {
      token = blank_and(token);
    }
  }
  m_is_first = false;
  out->push_back(m_cleans_up ? clean_up(std::move(token)) : std::move(token));
}

void MetaspaceStage::push(std::string token, std::vector<std::string>* out) {
  out->push_back(replace_all(token, m_replacement, m_drops ? "" : " "));
  m_drops = false;
}

void BpeStage::push(std::string token, std::vector<std::string>* out) {
  if (m_last) out->push_back(replace_all(*m_last, m_suffix, " "));
  m_last.reset();
  if (token.find(m_suffix) == std::string::npos) {
    out->push_back(std::move(token));
  } else {
    m_last = std::move(token);
  }
}

void BpeStage::finish(std::vector<std::string>* out) {
  if (m_last) out->push_back(replace_all(*m_last, m_suffix, ""));
}

void ByteFallbackStage::push(std::string token, std::vector<std::string>* out) {
  if (const std::optional<uint8_t> byte = byte_of_token(token)) {
    m_bytes.push_back(static_cast<char>(*byte));
    return;
  }
  finish(out);
  out->push_back(std::move(token));
}

void ByteFallbackStage::finish(std::vector<std::string>* out) {
  if (m_bytes.empty()) return;
  if (find_invalid_utf8(m_bytes) == kValidUtf8) {
    out->push_back(m_bytes);
  } else {
    out->insert(out->end(), m_bytes.size(), "\uFFFD");
  }
  m_bytes.clear();
}

void StripStage::push(std::string token, std::vector<std::string>* out) {
  std::string_view rest = token;
  for (size_t i = 0; i < m_start && rest.starts_with(m_content); ++i) rest.remove_prefix(m_content.size());
  for (size_t i = 0; i < m_stop && rest.ends_with(m_content); ++i) rest.remove_suffix(m_content.size());
  out->emplace_back(rest);
}

void StripTextStage::push(std::string token, std::vector<std::string>* out) {
  std::string_view rest = token;
  for (; m_start > 0 && rest.starts_with(m_content); --m_start) rest.remove_prefix(m_content.size());
  if (rest.empty()) return;
  m_start = 0;
  std::string text;
  for (; m_held > 0; --m_held) text += m_content;
  text += rest;
  for (; m_held < m_stop && text.ends_with(m_content); ++m_held) text.resize(text.size() - m_content.size());
  push_unless_empty(std::move(text), out);
}

void ReplaceStage::push(std::string token, std::vector<std::string>* out) {
  out->push_back(replace_all(token, m_pattern, m_content));
}

void CtcStage::push(std::string token, std::vector<std::string>* out) {
  if (m_last == token) return;
  std::string text = replace_all(token, m_pad_token, "");
  if (m_cleans_up) text = replace_all(clean_up(std::move(text)), m_delimiter, " ");
  m_last = std::move(token);
  push_unless_empty(std::move(text), out);
}

}  // namespace vivace
