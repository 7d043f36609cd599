// What callers ask of an Engine and what it answers: plain structs, no JSON, no HTTP. Each request names its Response;
// size() is the number of sequences that it makes the model read. Texts are non-empty valid UTF-8.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/model_directory.h"
#include "text/token_sequence.h"

namespace vivace {

// What to do with a text longer than the model takes: cut it at the end that its tokenizer names, at its beginning, at
// its end, or refuse it.
enum class TooLong { kTruncate, kTruncateStart, kTruncateEnd, kRefuse };

struct RequestLimits {
  TooLong too_long = TooLong::kTruncate;
  std::optional<std::chrono::steady_clock::time_point> deadline;  // kDeadlineExceeded when it passes first
  std::stop_token cancel;                                         // kCancelled when stop is requested first
};

struct ResponseTimes {
  double tokenize_ms = 0;
  double queue_ms = 0;    // from submission to the start of its first batch
  double compute_ms = 0;  // from there to the answer
};

struct TextEmbedding {
  std::vector<float> values;  // embedding size or `dimensions` values; with PoolingMode::kNone tokens × hidden size
  int tokens = 0;             // that the model saw, special ones included
  bool truncated = false;     // the text was longer than the model takes
};

struct EmbedResponse : ResponseTimes {
  std::vector<TextEmbedding> embeddings;  // in the order of the request's texts
};

struct EmbedRequest : RequestLimits {
  using Response = EmbedResponse;
  std::vector<std::string> texts;  // at least one
  // In place of texts: tokens of the model's own tokenizer, its special ones included, which are read as they are.
  // Takes no prompt and cuts nothing.
  std::vector<std::vector<int32_t>> token_ids{};
  std::optional<int> dimensions;           // keep the first n values and normalise again (Matryoshka)
  std::optional<PoolingMode> pooling;      // instead of the model's own
  std::optional<bool> normalize;           // instead of the model's own
  std::optional<std::string> prompt_name;  // one of the model's prompts; without it its default prompt, if any
  size_t size() const { return token_ids.empty() ? texts.size() : token_ids.size(); }
};

struct LabelScore {
  std::string label;
  float score = 0;
};

struct Classification {
  std::vector<LabelScore> labels;  // best first
  int tokens = 0;
  bool truncated = false;
};

struct ClassifyResponse : ResponseTimes {
  std::vector<Classification> results;  // in the order of the inputs
};

// One text, or two that the model reads together.
struct TextInput {
  std::string text;
  std::optional<std::string> pair;
};

struct ClassifyRequest : RequestLimits {
  using Response = ClassifyResponse;
  std::vector<TextInput> inputs;              // at least one
  std::optional<ScoreActivation> activation;  // instead of the model's own; kNone gives the logits
  size_t top_k = 0;                           // 0: all labels
  size_t size() const { return inputs.size(); }
};

// Labels that the model never learned, through a model that knows entailment: the score of a label is that of the text
// entailing the hypothesis about it (Yin et al. 2019).
struct ZeroShotRequest : RequestLimits {
  using Response = ClassifyResponse;
  std::vector<std::string> texts;   // at least one
  std::vector<std::string> labels;  // at least one, all different
  std::string hypothesis_template = "This example is {}.";
  bool multi_label = false;  // each label is scored by itself instead of all sharing 1
  size_t top_k = 0;          // 0: all labels
  size_t size() const { return texts.size() * labels.size(); }
};

// How tokens' labels become one for a word, named as in transformers' token-classification pipeline. kSimple merges
// tokens into spans as they are, the others make the tokens of a word agree first.
enum class Aggregation : uint8_t { kSimple, kFirst, kAverage, kMax };

// Places are code points [start, end) of the text, without leading blanks.
struct TaggedWord {
  std::string word;
  int start = 0;
  int end = 0;
  std::string label;
  float score = 0;
};

// Neighbours of one label, put together at B- and I- prefixes; the label is without the prefix. "O" makes none.
struct TaggedSpan {
  std::string text;
  int start = 0;
  int end = 0;
  std::string label;
  float score = 0;
};

struct TaggedToken {
  std::string token;
  int start = 0;  // special tokens have start = end = 0
  int end = 0;
  std::vector<float> scores;  // one for each label, in the model's order
};

struct Tagging {
  std::vector<TaggedToken> tokens;  // where asked for; all that the model saw
  std::vector<TaggedWord> words;
  std::vector<TaggedSpan> spans;
  bool truncated = false;
};

struct TagResponse : ResponseTimes {
  std::vector<Tagging> results;  // in the order of the texts
};

enum class TagDetail : uint8_t { kWords, kTokens };

struct TagRequest : RequestLimits {
  using Response = TagResponse;
  std::vector<std::string> texts;  // at least one
  Aggregation aggregation = Aggregation::kSimple;
  TagDetail detail = TagDetail::kWords;  // kTokens: tokens as well as words and spans
  size_t size() const { return texts.size(); }
};

struct ScoreTokensResponse : ResponseTimes {
  std::vector<std::vector<float>> scores;  // for each sequence one a token
};

// The softmax score of one label for every token of sequences that the caller tokenized, as for windows over texts
// that are too long.
struct ScoreTokensRequest : RequestLimits {
  using Response = ScoreTokensResponse;
  std::vector<TokenSequence> sequences;  // at least one; by the engine's tokenizer, at most info().max_tokens each
  size_t label = 0;                      // index into info().labels
  size_t size() const { return sequences.size(); }
};

struct RankedDocument {
  size_t index = 0;  // of the request's documents
  float score = 0;
  bool truncated = false;
};

struct RankResponse : ResponseTimes {
  std::vector<RankedDocument> ranking;  // best first
};

struct RankRequest : RequestLimits {
  using Response = RankResponse;
  std::string query;
  std::vector<std::string> documents;         // at least one
  std::optional<ScoreActivation> activation;  // kSigmoid or kNone instead of the model's own
  size_t top_k = 0;                           // 0: all documents
  size_t size() const { return documents.size(); }
};

struct EntailPair {
  std::string premise;
  std::string hypothesis;
};

struct Entailment {
  std::string label;               // of the best score
  std::vector<LabelScore> scores;  // entailment, neutral, contradiction: those that the model knows, in this order
  bool truncated = false;
};

struct EntailResponse : ResponseTimes {
  std::vector<Entailment> results;  // in the order of the pairs
};

struct EntailRequest : RequestLimits {
  using Response = EntailResponse;
  std::vector<EntailPair> pairs;  // at least one
  size_t size() const { return pairs.size(); }
};

struct MaskFill {
  int32_t id = 0;
  std::string token;  // as the tokenizer decodes it
  float score = 0;
};

struct FilledText {
  std::vector<std::vector<MaskFill>> masks;  // for each mask token of the text the fills, best first
  bool truncated = false;
};

struct FillMaskResponse : ResponseTimes {
  std::vector<FilledText> results;  // in the order of the texts
};

struct FillMaskRequest : RequestLimits {
  using Response = FillMaskResponse;
  std::vector<std::string> texts;  // at least one, each with at least one mask token
  size_t top_k = 5;                // 1 to 1000
  size_t size() const { return texts.size(); }
};

}  // namespace vivace
