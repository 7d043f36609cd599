#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "text/base64.h"
#include "text/legacy_document.h"
#include "text/legacy_tokenizer.h"
#include "text/sentencepiece_merges.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_config.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<double> scores;

  void add(std::string token, double score) {
    tokens.push_back(std::move(token));
    scores.push_back(score);
  }
  void add_pieces(const SentencePieceModel& model, size_t first) {
    for (size_t id = first; id < model.pieces.size(); ++id) add(model.pieces[id].text, model.pieces[id].score);
  }
};

struct BpeSettings {
  std::string_view unk_token;  // empty: characters without token vanish
  bool byte_fallback = false;
};

std::string bpe_json(const Vocabulary& vocabulary, const BpeSettings& settings) {
  JsonWriter json;
  json.begin_object().key("type").value("BPE").key("dropout").null().key("unk_token");
  settings.unk_token.empty() ? json.null() : json.value(settings.unk_token);
  json.key("continuing_subword_prefix").null().key("end_of_word_suffix").null().key("fuse_unk").value(true);
  json.key("byte_fallback").value(settings.byte_fallback).key("ignore_merges").value(false);
  json.key("vocab").begin_object();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    json.key(vocabulary.tokens[id]).value(static_cast<int64_t>(id));
  }
  json.end_object().key("merges").begin_array();
  for (const auto& [left, right] : sentencepiece_merges(vocabulary.tokens)) {
    json.begin_array().value(left).value(right).end_array();
  }
  return json.end_array().end_object().take();
}

std::string model_json(const SentencePieceModel& model, const Vocabulary& vocabulary, size_t unk_id) {
  if (model.is_bpe) return bpe_json(vocabulary, {.unk_token = vocabulary.tokens[unk_id]});
  JsonWriter json;
  json.begin_object().key("type").value("Unigram").key("unk_id").value(static_cast<int64_t>(unk_id));
  json.key("byte_fallback").value(false).key("exact_scores").value(true).key("vocab").begin_array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    json.begin_array().value(vocabulary.tokens[id]).value(vocabulary.scores[id]).end_array();
  }
  return json.end_array().end_object().take();
}

std::string extra_id(int32_t number) {
  return "<extra_id_" + std::to_string(number) + ">";
}

AddedToken make_token(std::string content, bool special) {
  AddedToken token;
  token.content = std::move(content);
  token.special = special;
  return token;
}

// Control pieces, and those that the user defined, are found in a text before the model sees it; not so, as in
// transformers, where a file names other tokens.
void take_added_pieces(const SentencePieceModel& model, bool is_t5, TokenizerConfig* config) {
  if (config->extra_tokens) return;
  std::vector<AddedToken>& tokens = config->extra_tokens.emplace();
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    const bool is_control = piece.type == SentencePieceType::kControl;
    if ((!is_control && piece.type != SentencePieceType::kUserDefined) || piece.text.empty()) continue;
    tokens.push_back(make_token(piece.text, is_control));
  }
  for (int32_t i = 0; is_t5 && i < config->extra_ids; ++i) tokens.push_back(make_token(extra_id(i), true));
}

std::string charsmap_json(const SentencePieceModel& model) {
  if (model.charsmap.empty()) return "null";
  return R"({"type":"Precompiled","precompiled_charsmap":")" + encode_base64(model.charsmap) + "\"}";
}

std::string split_words_json(const std::string& metaspace) {
  return R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},)" + metaspace + "]}";
}

Result<std::string> t5_json(const SentencePieceModel& model, const TokenizerConfig& config) {
  Vocabulary vocabulary;
  vocabulary.add_pieces(model, 0);
  for (int32_t i = config.extra_ids; i-- > 0;) vocabulary.add(extra_id(i), 0);
  LegacyDocument document(vocabulary.tokens, config);
  document.add_role("bos_token", "");
  const std::string eos = document.add_role("eos_token", "</s>");
  document.add_role("unk_token", "<unk>");
  document.add_role("sep_token", "");
  document.add_role("pad_token", "<pad>");
  document.add_role("cls_token", "");
  document.add_role("mask_token", "");
  document.add_extra_tokens();
  const std::string metaspace = metaspace_json("always");
  LegacyDocument::Parts parts;
  parts.normalizer = charsmap_json(model);
  parts.pre_tokenizer = split_words_json(metaspace);
  parts.decoder = metaspace;
  parts.post_processor =
      document.template_processing({.single = {"A", eos}, .pair = {"A", eos, "B", eos}, .second_type_id = 0});
  parts.model = model_json(model, vocabulary, 2);
  return document.write(parts);
}

// XLM-R and CamemBERT: fairseq's special tokens come first, then the model's pieces but its own special ones.
Result<std::string> fairseq_json(const SentencePieceModel& model, const TokenizerConfig& config, bool is_camembert) {
  Vocabulary vocabulary;
  vocabulary.add(is_camembert ? "<s>NOTUSED" : config.token("bos_token", "<s>"), 0);
  vocabulary.add(config.token("pad_token", "<pad>"), 0);
  vocabulary.add(is_camembert ? "</s>NOTUSED" : config.token("eos_token", "</s>"), 0);
  vocabulary.add(config.token("unk_token", "<unk>"), 0);
  if (is_camembert) vocabulary.add("<unk>NOTUSED", -100);
  vocabulary.add_pieces(model, is_camembert ? 1 : 3);
  vocabulary.add(config.token("mask_token", "<mask>"), 0);
  LegacyDocument document(vocabulary.tokens, config);
  const std::string bos = document.add_role("bos_token", "<s>");
  const std::string eos = document.add_role("eos_token", "</s>");
  document.add_role("unk_token", "<unk>");
  document.add_role("sep_token", "</s>");
  document.add_role("pad_token", "<pad>");
  document.add_role("cls_token", "<s>");
  is_camembert ? document.add_mask("<mask>") : document.add_role("mask_token", "<mask>");
  document.add_extra_tokens();
  const std::string metaspace = metaspace_json(config.add_prefix_space.value_or(true) ? "always" : "never");
  LegacyDocument::Parts parts;
  parts.normalizer = charsmap_json(model);
  parts.pre_tokenizer = split_words_json(metaspace);
  parts.decoder = metaspace;
  parts.post_processor = document.template_processing(
      {.single = {bos, "A", eos}, .pair = {bos, "A", eos, eos, "B", eos}, .second_type_id = 0});
  parts.model = model_json(model, vocabulary, 3);
  return document.write(parts);
}

// transformers leaves the model's own table of characters out here.
Result<std::string> deberta_json(const SentencePieceModel& model, const TokenizerConfig& config) {
  Vocabulary vocabulary;
  vocabulary.add_pieces(model, 0);
  const std::string unk = config.token("unk_token", "[UNK]");
  const auto unk_place = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), unk);
  if (unk_place == vocabulary.tokens.end()) {
    return error(StatusCode::kCorruptFile, "the unk_token '" + printable(unk) + "' is not among the pieces");
  }
  LegacyDocument document(vocabulary.tokens, config);
  document.add_role("bos_token", "[CLS]");
  document.add_role("eos_token", "[SEP]");
  document.add_role("unk_token", "[UNK]");
  const std::string sep = document.add_role("sep_token", "[SEP]");
  document.add_role("pad_token", "[PAD]");
  const std::string cls = document.add_role("cls_token", "[CLS]");
  document.add_role("mask_token", "[MASK]");
  document.add_extra_tokens();
  const std::string metaspace = metaspace_json(config.add_prefix_space.value_or(true) ? "always" : "first");
  LegacyDocument::Parts parts;
  parts.normalizer = R"({"type":"Sequence","normalizers":[)";
  if (config.do_lower_case.value_or(false)) parts.normalizer += R"({"type":"Lowercase"},)";
  parts.normalizer += R"({"type":"Replace","pattern":{"Regex":"\\s{2,}|[\\n\\r\\t]"},"content":" "},{"type":"NFC"},)"
                      R"({"type":"Strip","strip_left":false,"strip_right":true}]})";
  parts.pre_tokenizer = R"({"type":"Sequence","pretokenizers":[)";
  if (config.split_by_punct) parts.pre_tokenizer += R"({"type":"Punctuation","behavior":"Isolated"},)";
  parts.pre_tokenizer += metaspace + "]}";
  parts.decoder = metaspace;
  parts.post_processor =
      document.template_processing({.single = {cls, "A", sep}, .pair = {cls, "A", sep, "B", sep}, .second_type_id = 1});
  parts.model = model_json(model, vocabulary, static_cast<size_t>(unk_place - vocabulary.tokens.begin()));
  return document.write(parts);
}

Result<std::string> llama_json(const SentencePieceModel& model, const TokenizerConfig& config) {
  if (!model.is_bpe) return error(StatusCode::kUnsupported, "a LlamaTokenizer needs a BPE model, this one is Unigram");
  Vocabulary vocabulary;
  vocabulary.add_pieces(model, 0);
  LegacyDocument document(vocabulary.tokens, config);
  const std::string bos = document.add_role("bos_token", "<s>");
  const std::string eos = document.add_role("eos_token", "</s>");
  document.add_role("unk_token", "<unk>");
  document.add_role("sep_token", "");
  document.add_role("pad_token", "");
  document.add_role("cls_token", "");
  document.add_role("mask_token", "");
  document.add_extra_tokens();
  LegacyDocument::Parts parts;
  const std::string_view scheme = !config.add_prefix_space.value_or(true) ? "never"
                                  : config.legacy                         ? "always"
                                                                          : "first";
  JsonWriter metaspace;
  metaspace.begin_object().key("type").value("Metaspace").key("replacement").value("\u2581");
  parts.pre_tokenizer = metaspace.key("prepend_scheme").value(scheme).key("split").value(false).end_object().take();
  parts.decoder = R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},)"
                  R"({"type":"ByteFallback"},{"type":"Fuse"})";
  if (config.add_prefix_space.value_or(true)) parts.decoder += R"(,{"type":"Strip","content":" ","start":1,"stop":0})";
  parts.decoder += "]}";
  parts.model = bpe_json(vocabulary, {.unk_token = {}, .byte_fallback = true});
  std::vector<std::string_view> single{"A"};
  if (config.add_bos_token) single.insert(single.begin(), bos);
  if (config.add_eos_token) single.emplace_back(eos);
  std::vector<std::string_view> pair = single;
  for (const std::string_view item : single) pair.push_back(item == "A" ? "B" : item);
  parts.post_processor = document.template_processing(
      {.single = single, .pair = pair, .second_type_id = 1, .second_begin = single.size()});
  return document.write(parts);
}

}  // namespace

Result<std::string> legacy_sentencepiece_json(const std::string& path, std::string_view tokenizer_class) {
  const std::string directory = path.substr(0, path.rfind('/'));
  ASSIGN_OR_RETURN(TokenizerConfig config, read_tokenizer_config(directory));
  ASSIGN_OR_RETURN(const std::string bytes, read_text_file(path, kMaxFileBytes));
  ASSIGN_OR_RETURN(const SentencePieceModel model, read_sentencepiece_model(bytes, path));
  take_added_pieces(model, tokenizer_class == "T5Tokenizer", &config);
  const auto convert = [&] {
    if (tokenizer_class == "LlamaTokenizer") return llama_json(model, config);
    if (tokenizer_class == "T5Tokenizer") return t5_json(model, config);
    if (tokenizer_class == "DebertaV2Tokenizer") return deberta_json(model, config);
    return fairseq_json(model, config, tokenizer_class == "CamembertTokenizer");
  };
  Result<std::string> json = convert();
  if (!json) return std::unexpected(json.error().with_context(path));
  return json;
}

}  // namespace vivace
