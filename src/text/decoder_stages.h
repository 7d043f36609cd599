// The steps that decoders are made of; each does what the package's decoder of that name does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/decoder_stage.h"
#include "text/lossy_utf8.h"

namespace vivace {

// A file without decoder: blanks between the tokens.
class BlankStage : public DecoderStage {
 public:
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  bool m_is_first = true;
};

// Characters of GPT-2's alphabet to bytes, all tokens to one text.
class ByteLevelStage : public DecoderStage {
 public:
  void push(std::string token, std::vector<std::string>* out) override;
  void finish(std::vector<std::string>* out) override;

 private:
  LossyUtf8 m_bytes;
};

class WordPieceStage : public DecoderStage {
 public:
  WordPieceStage(std::string prefix, bool cleans_up) : m_prefix(std::move(prefix)), m_cleans_up(cleans_up) {}
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  std::string m_prefix;
  bool m_cleans_up;
  bool m_is_first = true;
};

// replacement becomes a blank, or nothing in the first token where a blank was put before the text.
class MetaspaceStage : public DecoderStage {
 public:
  MetaspaceStage(std::string replacement, bool was_prepended)
      : m_replacement(std::move(replacement)), m_drops(was_prepended) {}
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  std::string m_replacement;
  bool m_drops;
};

// suffix becomes a blank, or nothing in the last token.
class BpeStage : public DecoderStage {
 public:
  explicit BpeStage(std::string suffix) : m_suffix(std::move(suffix)) {}
  void push(std::string token, std::vector<std::string>* out) override;
  void finish(std::vector<std::string>* out) override;

 private:
  std::string m_suffix;
  std::optional<std::string> m_last;  // with the suffix, so the next token decides
};

// Runs of "<0x41>" become their bytes' characters, or as many U+FFFD when they are not UTF-8.
class ByteFallbackStage : public DecoderStage {
 public:
  void push(std::string token, std::vector<std::string>* out) override;
  void finish(std::vector<std::string>* out) override;

 private:
  std::string m_bytes;
};

class FuseStage : public DecoderStage {
 public:
  void push(std::string token, std::vector<std::string>* /*out*/) override { m_text += token; }
  void finish(std::vector<std::string>* out) override { out->push_back(std::move(m_text)); }

 private:
  std::string m_text;
};

// Up to start and stop times content off the ends of each token.
class StripStage : public DecoderStage {
 public:
  StripStage(std::string content, size_t start, size_t stop)
      : m_content(std::move(content)), m_start(start), m_stop(stop) {}
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  std::string m_content;
  size_t m_start;
  size_t m_stop;
};

// The same off the ends of the whole text: a StripStage after a FuseStage, without waiting for the end.
class StripTextStage : public DecoderStage {
 public:
  StripTextStage(std::string content, size_t start, size_t stop)
      : m_content(std::move(content)), m_start(start), m_stop(stop) {}
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  std::string m_content;
  size_t m_start;  // times that may still go
  size_t m_stop;
  size_t m_held = 0;  // times that content ends what came so far, at most m_stop
};

class ReplaceStage : public DecoderStage {
 public:
  ReplaceStage(std::string pattern, std::string content)
      : m_pattern(std::move(pattern)), m_content(std::move(content)) {}
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  std::string m_pattern;
  std::string m_content;
};

class CtcStage : public DecoderStage {
 public:
  CtcStage(std::string pad_token, std::string word_delimiter_token, bool cleans_up)
      : m_pad_token(std::move(pad_token)), m_delimiter(std::move(word_delimiter_token)), m_cleans_up(cleans_up) {}
  void push(std::string token, std::vector<std::string>* out) override;

 private:
  std::string m_pad_token;
  std::string m_delimiter;
  bool m_cleans_up;
  std::optional<std::string> m_last;
};

}  // namespace vivace
