// The part of PipelineTokenizer that goes word by word.
#include <algorithm>
#include <array>
#include <span>

#include "base/utf8.h"
#include "text/byte_level_word.h"
#include "text/pipeline_tokenizer.h"
#include "text/word_scanner.h"

namespace vivace {
namespace {

constexpr size_t kWordsAtOnce = 128;
static_assert(kWordsAtOnce >= WordScanner::kBlock);

struct Copied {
  size_t words = 0;
  size_t ids = 0;
};

// Copies the ids of words that end at ends, the first of which begins at begin and is read at source, up to the first
// one that is not known.
// Not inlined: this loop is where the time goes, and everything in it fits into registers only where nothing else is.
[[gnu::noinline]] Copied copy_known_words(const WordCache& cache, const char* source, size_t begin,
                                          std::span<const uint32_t> ends, int32_t* ids) {
  int32_t* next = ids;
  size_t word = 0;
  for (; word < ends.size(); ++word) {
    const size_t size = ends[word] - begin;
    if (size > WordCache::kMaxBytes) break;
    const size_t count = cache.copy_ids(WordCache::Keys::of(source, size), next);
    if (count == WordCache::kUnknown) break;
    next += count;
    source += size;
    begin += size;
  }
  return {.words = word, .ids = static_cast<size_t>(next - ids)};
}

// Those of the words, the first of which begins at begin, that follow each other where that one is read.
std::span<const uint32_t> readable(const WordCache::Keys& keys, size_t begin, std::span<const uint32_t> ends) {
  const size_t tail = keys.tail_begin();
  if (begin >= tail || ends.back() < tail) return ends;
  return ends.first(static_cast<size_t>(std::ranges::lower_bound(ends, tail) - ends.begin()) + 1);
}

}  // namespace

Result<void> PipelineTokenizer::run_words(std::string_view text, TokenWriter* writer) const {
  WordRun run{.text = text, .keys = WordCache::Keys(text), .writer = *writer, .tokens = {}, .index = 0};
  WordScanner scanner(m_words->cuts, text);
  std::array<uint32_t, kWordsAtOnce> room;
  std::array<int32_t, kWordsAtOnce * WordCache::kMaxTokens> ids;
  size_t begin = 0;
  for (auto ends = scanner.next_ends(room); !ends.empty(); ends = scanner.next_ends(room)) {
    while (!ends.empty()) {
      if (!writer->keeps_offsets() && !is_stripped(text, begin)) {
        const auto some = readable(run.keys, begin, ends);
        const Copied copied = copy_known_words(m_words->cache, run.keys.source(begin), begin, some, ids.data());
        writer->add_ids(std::span(ids).first(copied.ids));
        if (copied.words > 0) begin = ends[copied.words - 1];
        ends = ends.subspan(copied.words);
        if (copied.words == some.size() && !writer->truncated()) continue;
      }
      if (writer->truncated()) return {};
      RETURN_IF_ERROR(add_word(begin, ends.front(), &run));
      begin = ends.front();
      ends = ends.subspan(1);
    }
  }
  return {};
}

// A first word with blanks to strip is not what the same word is elsewhere.
bool PipelineTokenizer::is_stripped(std::string_view text, size_t begin) const {
  const WordCuts& cuts = m_words->cuts;
  return cuts.normalizer != nullptr && begin == 0 && cuts.blanks[static_cast<uint8_t>(text[0])];
}

Result<void> PipelineTokenizer::add_word(size_t begin, size_t end, WordRun* run) const {
  const std::string_view word = run->text.substr(begin, end - begin);
  const bool fits = word.size() <= WordCache::kMaxBytes && !is_stripped(run->text, begin);
  const WordCache::Key key = run->keys.at(begin, fits ? word.size() : 0);
  WordCache::Entry entry;
  const int32_t index = run->index;
  if (fits && m_words->cache.find(key, &entry)) {
    for (size_t i = 0; i < entry.token_count; ++i) {
      const TokenOffset offset = entry.offset(i);
      run->writer.add(entry.id(i), index + offset.begin, index + offset.end);
    }
    run->index += static_cast<int32_t>(entry.code_points);
    return {};
  }
  if (!run->tokens) run->tokens.emplace();
  WordTokens& tokens = *run->tokens;
  const Normalizer* const later = m_words->cuts.normalizer.get();
  RETURN_IF_ERROR(split_word(word, later != nullptr && begin > 0 ? *later : *m_pipeline.normalizer, &tokens));
  const std::vector<TokenOffset>& offsets = tokens.sequence.offsets;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const TokenOffset offset{index + offsets[i].begin, index + offsets[i].end};
    run->writer.add_counted(tokens.sequence.ids[i], offset, tokens.blanks[i]);
  }
  const size_t code_points = count_code_points(word);
  run->index += static_cast<int32_t>(code_points);
  const bool is_plain = std::ranges::all_of(tokens.blanks, [](TokenBlanks b) { return b == kUnknownBlanks; });
  if (fits && is_plain) {
    m_words->cache.store(key, static_cast<uint32_t>(code_points), tokens.sequence.ids, offsets);
  }
  return {};
}

Result<void> PipelineTokenizer::split_word(std::string_view word, const Normalizer& normalizer,
                                           WordTokens* tokens) const {
  tokens->clear();
  if (is_byte_level(word)) {
    split_byte_level_word(word, *m_pipeline.model, &m_words->cache, tokens);
    return {};
  }
  TokenWriter writer(&tokens->sequence, SIZE_MAX, Offsets::kKeep);
  writer.keep_blanks(&tokens->blanks);
  return run_whole(word, normalizer, &writer);
}

// Whether a word is split and nothing else: it is not normalised and holds no added token.
bool PipelineTokenizer::is_byte_level(std::string_view word) const {
  const WordCuts& cuts = m_words->cuts;
  if (!m_words->has_byte_model || !(cuts.is_byte_level || cuts.is_ascii_byte_level)) return false;
  return std::ranges::none_of(word, [&](char c) {
    const uint8_t byte = static_cast<uint8_t>(c);
    return m_words->added_token_starts[byte] || (byte >= 0x80 && !cuts.is_byte_level);
  });
}

}  // namespace vivace
