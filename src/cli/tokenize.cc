// `vivace tokenize`: texts to token ids, pieces and offsets, as the model's tokenizer.json says. Loads no weights.
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/text_source.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "formats/model_directory.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace tokenize 'unaffable' 'Köln'\n"
    "  vivace tokenize --file docs.txt --no-truncation > tokens.jsonl\n"
    "  vivace tokenize --file pairs.jsonl --truncation only_second --max-tokens 128\n"
    "  vivace tokenize --file docs.txt --windows --stride 64\n\n"
    "One line of output for each text: {\"index\":0,\"ids\":[…],\"tokens\":[…],\"offsets\":[[0,3],…]};\n"
    "offsets count code points, the end is exclusive. JSON lines with \"text_pair\" beside \"text\" are pairs and get\n"
    "\"type_ids\"; --windows puts one such object for each window into {\"index\":0,\"windows\":[…]}.";

constexpr size_t kChunkTexts = 256;
constexpr size_t kChunkBytes = size_t{1} << 20;

struct TokenizeOptions {
  ModelOptions model;
  InputOptions input;
  bool no_truncation = false;
  bool no_special_tokens = false;
  bool windows = false;
  size_t max_tokens = 0;
  size_t stride = 0;
  TruncationStrategy truncation = TruncationStrategy::kLongestFirst;
  TruncationSide truncation_side = TruncationSide::kRight;
};

// The longest text that the model takes: what sentence-transformers' files say, else the tokenizer's, else the position
// table's size.
Result<size_t> longest_text(const ModelDirectory& directory) {
  constexpr int64_t kUnlimited = int64_t{1} << 30;
  const JsonValue config = directory.config();
  ASSIGN_OR_RETURN(const int64_t positions, config.integer_or("max_position_embeddings", kUnlimited, 1, kUnlimited));
  int64_t longest = positions;
  if (directory.tokenizer_max_tokens()) {
    longest = std::min<int64_t>(longest, *directory.tokenizer_max_tokens());
  }
  return static_cast<size_t>(longest);
}

void write_tokens(const Tokenizer& tokenizer, const TokenSequence& tokens, JsonWriter* json) {
  json->key("ids").values(tokens.ids).key("tokens").begin_array();
  for (const int32_t id : tokens.ids) json->value(tokenizer.token(id));
  json->end_array().key("offsets").begin_array();
  for (const TokenOffset& offset : tokens.offsets) {
    json->begin_array().value(offset.begin).value(offset.end).end_array();
  }
  json->end_array();
}

// The line of one text; counts it if it had to be cut.
Result<std::string> tokenize_text(const Tokenizer& tokenizer, const InputText& input, const EncodeOptions& options,
                                  bool windows, uint64_t* truncated) {
  JsonWriter json;
  json.begin_object().key("index").value(input.index);
  if (windows) {
    if (input.text_pair) return error(StatusCode::kInvalidArgument, "--windows takes texts, not pairs");
    ASSIGN_OR_RETURN(const std::vector<TokenSequence> parts, tokenizer.encode_windows(input.text, options));
    json.key("windows").begin_array();
    for (const TokenSequence& window : parts) {
      json.begin_object();
      write_tokens(tokenizer, window, &json);
      json.end_object();
    }
    return json.end_array().end_object().take() + "\n";
  }
  TokenSequence tokens;
  if (input.text_pair) {
    RETURN_IF_ERROR(tokenizer.encode_pair(input.text, *input.text_pair, options, &tokens));
  } else {
    RETURN_IF_ERROR(tokenizer.encode(input.text, options, &tokens));
  }
  write_tokens(tokenizer, tokens, &json);
  if (input.text_pair) json.key("type_ids").values(tokens.type_ids);
  if (tokens.truncated) json.key("truncated").value(true);
  *truncated += tokens.truncated ? 1 : 0;
  return json.end_object().take() + "\n";
}

// A limit that leaves no room for texts is wrong whatever the texts are.
Result<void> check_limit(const Tokenizer& tokenizer, const EncodeOptions& options, bool windows) {
  if (windows) {
    RETURN_IF_ERROR(tokenizer.encode_windows("", options));
    return {};
  }
  TokenSequence nothing;
  return tokenizer.encode("", options, &nothing);
}

Result<void> run_tokenize(const TokenizeOptions& options) {
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input, {.second_text = SecondText::kOptional,
                                                                       .empty_text = EmptyText::kTake}));
  ASSIGN_OR_RETURN(const std::string path, model_directory(options.model));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(path));
  RETURN_IF_ERROR(directory.verify());
  ASSIGN_OR_RETURN(const std::unique_ptr<const Tokenizer> tokenizer,
                   Tokenizer::from_directory(directory.path(), directory.model_type()));
  ASSIGN_OR_RETURN(const size_t models_longest, longest_text(directory));
  const size_t longest = options.max_tokens != 0 ? options.max_tokens : models_longest;
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));

  const EncodeOptions encode{.special_tokens = options.no_special_tokens ? SpecialTokens::kOmit : SpecialTokens::kAdd,
                             .offsets = Offsets::kKeep,
                             .max_tokens = options.no_truncation ? 0 : longest,
                             .truncation = options.truncation,
                             .truncation_side = options.truncation_side,
                             .stride = options.stride};
  check_usage(check_limit(*tokenizer, encode, options.windows));
  uint64_t truncated = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<InputText> inputs, source.next(kChunkTexts, kChunkBytes));
    if (inputs.empty()) break;
    for (const InputText& input : inputs) {
      if (!input.problem.empty()) {
        RETURN_IF_ERROR(output.flush());
        return error(StatusCode::kInvalidArgument, input.problem);
      }
      ASSIGN_OR_RETURN(const std::string line, tokenize_text(*tokenizer, input, encode, options.windows, &truncated));
      RETURN_IF_ERROR(output.write(line));
    }
    RETURN_IF_ERROR(output.flush());
  }
  if (truncated > 0) {
    fmt::print(stderr, "vivace: {} texts were longer than {} {} tokens and were cut (--no-truncation keeps all)\n",
               truncated, options.max_tokens != 0 ? "the asked" : "the model's", longest);
  }
  return {};
}

}  // namespace

void add_tokenize_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("tokenize", "Texts to token ids, pieces and offsets");
  auto options = std::make_shared<TokenizeOptions>();
  add_input_options(*verb, &options->input);
  add_model_option(*verb, &options->model);
  auto* no_truncation =
      verb->add_flag("--no-truncation", options->no_truncation, "Keep all tokens, also those the model would not see");
  verb->add_option("--max-tokens", options->max_tokens,
                   "Cut texts to this many tokens, special ones included (the model's)")
      ->check(CLI::Range(size_t{1}, size_t{1} << 30));
  using Strategy = TruncationStrategy;
  const std::map<std::string, Strategy> strategies{{"longest_first", Strategy::kLongestFirst},
                                                   {"only_first", Strategy::kOnlyFirst},
                                                   {"only_second", Strategy::kOnlySecond}};
  verb->add_option("--truncation", options->truncation, "Which text of a pair is cut (longest_first)")
      ->transform(CLI::CheckedTransformer(strategies));
  const std::map<std::string, TruncationSide> sides{{"right", TruncationSide::kRight}, {"left", TruncationSide::kLeft}};
  verb->add_option("--truncation-side", options->truncation_side, "Which end is cut (right)")
      ->transform(CLI::CheckedTransformer(sides));
  verb->add_flag("--windows", options->windows, "Give all windows of a long text instead of cutting it")
      ->excludes(no_truncation);
  verb->add_option("--stride", options->stride, "Tokens that each window repeats from the one before (0)")
      ->check(CLI::Range(size_t{0}, size_t{1} << 30));
  verb->add_flag("--no-special-tokens", options->no_special_tokens, "Leave out [CLS], [SEP] and the like");
  add_compute_options(*verb, &options->model);
  verb->footer(kExamples);
  verb->callback([options, action] { *action = [options] { return run_tokenize(*options); }; });
}

}  // namespace vivace
