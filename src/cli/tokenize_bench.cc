#include "cli/tokenize_bench.h"

#include <memory>

#include "cli/text_file.h"
#include "formats/model_directory.h"
#include "text/tokenizer.h"

namespace vivace {

Result<TokenizeBenchResult> bench_tokenizer(const std::string& directory, const std::string& file, double seconds) {
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_texts(file, EmptyText::kTake));
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(directory));
  RETURN_IF_ERROR(model.verify());
  ASSIGN_OR_RETURN(const std::unique_ptr<const Tokenizer> tokenizer,
                   Tokenizer::from_directory(model.path(), model.model_type()));
  TokenizeBenchResult result;
  result.texts = texts.size();
  const EncodeOptions encode;
  TokenSequence sequence;
  ASSIGN_OR_RETURN(result.times, time_runs(seconds, [&]() -> Result<void> {
                     result.tokens = 0;
                     for (const std::string& text : texts) {
                       RETURN_IF_ERROR(tokenizer->encode(text, encode, &sequence));
                       result.tokens += sequence.ids.size();
                     }
                     return {};
                   }));
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  result.mb_per_s = static_cast<double>(bytes) / result.times.p50_ms / 1e3;
  result.us_per_text = result.times.p50_ms / static_cast<double>(texts.size()) * 1e3;
  return result;
}

}  // namespace vivace
