// `vivace tokenize`: texts to token ids, pieces and offsets, as the model's tokenizer.json says. Loads no weights.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/text_source.h"
#include "cli/verbs.h"
#include "formats/model_directory.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace tokenize 'unaffable' 'Köln'\n"
    "  vivace tokenize --file docs.txt --no-truncation > tokens.jsonl\n\n"
    "One line of output for each text: {\"index\":0,\"ids\":[…],\"tokens\":[…],\"offsets\":[[0,3],…]};\n"
    "offsets count code points, the end is exclusive.";

constexpr size_t kChunkTexts = 256;
constexpr size_t kChunkBytes = size_t{1} << 20;

struct TokenizeOptions {
  ModelOptions model;
  InputOptions input;
  bool no_truncation = false;
  bool no_special_tokens = false;
};

// The longest text that the model takes: what sentence-transformers' files say, else the tokenizer's, else the position
// table's size.
Result<size_t> longest_text(const ModelDirectory& directory) {
  constexpr int64_t kUnlimited = int64_t{1} << 30;
  const JsonValue config = directory.config();
  ASSIGN_OR_RETURN(const int64_t positions, config.integer_or("max_position_embeddings", kUnlimited, 1, kUnlimited));
  int64_t longest = positions;
  const auto& sentence = directory.sentence_embedding();
  if (sentence && sentence->max_tokens) {
    longest = std::min<int64_t>(longest, *sentence->max_tokens);
  } else if (directory.tokenizer_max_tokens()) {
    longest = std::min<int64_t>(longest, *directory.tokenizer_max_tokens());
  }
  return static_cast<size_t>(longest);
}

std::string to_json_line(const Tokenizer& tokenizer, uint64_t index, const TokenSequence& tokens) {
  JsonWriter json;
  json.begin_object().key("index").value(index).key("ids").values(tokens.ids);
  json.key("tokens").begin_array();
  for (const int32_t id : tokens.ids) json.value(tokenizer.token(id));
  json.end_array().key("offsets").begin_array();
  for (const TokenOffset& offset : tokens.offsets) {
    json.begin_array().value(offset.begin).value(offset.end).end_array();
  }
  json.end_array();
  if (tokens.truncated) json.key("truncated").value(true);
  return json.end_object().take() + "\n";
}

Result<void> run_tokenize(const TokenizeOptions& options) {
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input));
  ASSIGN_OR_RETURN(const std::string path, model_directory(options.model));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(path));
  ASSIGN_OR_RETURN(const std::unique_ptr<const Tokenizer> tokenizer, Tokenizer::from_file(directory.tokenizer_path()));
  ASSIGN_OR_RETURN(const size_t longest, longest_text(directory));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));

  EncodeOptions encode{.special_tokens = options.no_special_tokens ? SpecialTokens::kOmit : SpecialTokens::kAdd,
                       .offsets = Offsets::kKeep,
                       .max_tokens = options.no_truncation ? 0 : longest};
  TokenSequence tokens;
  uint64_t truncated = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<InputText> inputs, source.next(kChunkTexts, kChunkBytes));
    if (inputs.empty()) break;
    for (const InputText& input : inputs) {
      if (!input.problem.empty()) {
        RETURN_IF_ERROR(output.flush());
        return error(StatusCode::kInvalidArgument, input.problem);
      }
      RETURN_IF_ERROR(tokenizer->encode(input.text, encode, &tokens));
      truncated += tokens.truncated ? 1 : 0;
      RETURN_IF_ERROR(output.write(to_json_line(*tokenizer, input.index, tokens)));
    }
    RETURN_IF_ERROR(output.flush());
  }
  if (truncated > 0) {
    fmt::print(stderr,
               "vivace: {} texts were longer than the model's {} tokens and were cut (--no-truncation keeps all)\n",
               truncated, longest);
  }
  return {};
}

}  // namespace

void add_tokenize_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("tokenize", "Texts to token ids, pieces and offsets");
  auto options = std::make_shared<TokenizeOptions>();
  add_input_options(*verb, &options->input);
  add_model_option(*verb, &options->model);
  verb->add_flag("--no-truncation", options->no_truncation, "Keep all tokens, also those the model would not see");
  verb->add_flag("--no-special-tokens", options->no_special_tokens, "Leave out [CLS], [SEP] and the like");
  add_compute_options(*verb, &options->model);
  verb->footer(kExamples);
  verb->callback([options, action] { *action = [options] { return run_tokenize(*options); }; });
}

}  // namespace vivace
