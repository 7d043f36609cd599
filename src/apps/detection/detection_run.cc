#include "apps/detection/detection_run.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "engine/load_identity.h"

namespace vivace {
namespace {

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

size_t bytes_of(const SentenceScore& score) {
  return sizeof(score) + score.probabilities.size() * sizeof(double);
}

}  // namespace

void DetectionRun::start() {
  if (auto tokenized = tokenize(); !tokenized) return m_done(std::unexpected(std::move(tokenized).error()));
  advance();
}

Result<void> DetectionRun::tokenize() {
  m_response.sentences.resize(m_request.sentences.size());
  for (size_t i = 0; i < m_request.sentences.size(); ++i) {
    if (m_request.sentences[i].empty() || take_cached(i)) continue;
    auto added = add_windows(i);
    if (!added) return std::unexpected(std::move(added).error().with_context(fmt::format("sentence {}", i)));
  }
  return {};
}

size_t DetectionRun::overlap() const {
  return std::min(Detector::kOverlapTokens, static_cast<size_t>(m_model.engine.info().max_tokens) / 2);
}

Result<void> DetectionRun::add_windows(size_t sentence) {
  EncodeOptions options;
  options.offsets = Offsets::kKeep;
  options.max_tokens = static_cast<size_t>(m_model.engine.info().max_tokens);
  options.stride = overlap();
  ASSIGN_OR_RETURN(std::vector<TokenSequence> windows,
                   m_model.engine.tokenizer().encode_windows(m_request.sentences[sentence], options));
  for (size_t i = 0; i < windows.size(); ++i) {
    Window window{.sentence = sentence,
                  .computed = i == 0 || m_request.rule == OffsetRule::kTrimmed,
                  .tokens = std::move(windows[i]),
                  .scores = {}};
    window.scores.resize(window.tokens.offsets.size());
    m_windows.push_back(std::move(window));
  }
  return {};
}

std::string DetectionRun::cache_key(size_t sentence) const {
  return fmt::format("{}\n{}\n{}\n{}", load_identity(m_model.engine), m_model.label, static_cast<int>(m_request.rule),
                     m_request.sentences[sentence]);
}

bool DetectionRun::take_cached(size_t sentence) {
  if (m_model.options.cache == nullptr) return false;
  const auto found = m_model.options.cache->find(cache_key(sentence));
  if (found == nullptr) return false;
  m_response.sentences[sentence] = *found;
  ++m_response.cached;
  return true;
}

void DetectionRun::advance() {
  ScoreTokensRequest group;
  size_t tokens = 0;
  m_group.clear();
  for (; m_next < m_windows.size(); ++m_next) {
    const Window& window = m_windows[m_next];
    if (!window.computed || window.tokens.ids.empty()) continue;
    tokens += window.tokens.ids.size();
    const bool full =
        m_group.size() >= m_model.options.max_batch_sequences || tokens > m_model.options.max_batch_tokens;
    if (full && !m_group.empty()) break;
    group.sequences.push_back({.ids = window.tokens.ids, .type_ids = window.tokens.type_ids, .offsets = {}});
    m_group.push_back(m_next);
  }
  if (m_group.empty()) return finish();
  group.label = m_model.label;
  group.deadline = m_request.deadline;
  group.cancel = m_request.cancel;
  ++m_response.groups;
  m_model.engine.submit<ScoreTokensRequest>(
      std::move(group),
      [run = shared_from_this()](Result<ScoreTokensResponse> response) { run->take(std::move(response)); });
}

void DetectionRun::take(Result<ScoreTokensResponse> response) {
  if (!response) return m_done(std::unexpected(std::move(response).error()));
  for (size_t i = 0; i < m_group.size(); ++i) m_windows[m_group[i]].scores = std::move(response->scores[i]);
  advance();
}

void DetectionRun::finish() {
  for (auto first = m_windows.begin(); first != m_windows.end();) {
    const size_t sentence = first->sentence;
    const auto last = std::find_if(first, m_windows.end(), [&](const Window& w) { return w.sentence != sentence; });
    SentenceScore& score_of_sentence = m_response.sentences[sentence];
    score_of_sentence = score({first, last});
    if (m_model.options.cache != nullptr) {
      m_model.options.cache->insert(cache_key(sentence), std::make_shared<SentenceScore>(score_of_sentence),
                                    bytes_of(score_of_sentence));
    }
    first = last;
  }
  m_done(std::move(m_response));
}

SentenceScore DetectionRun::score(std::span<const Window> windows) const {
  const std::string& text = m_request.sentences[windows.front().sentence];
  std::vector<ScoredWindow> scored;
  for (const Window& window : windows) scored.push_back({.offsets = window.tokens.offsets, .scores = window.scores});
  // By trimmed offsets, which say where a word lies, whatever the rule.
  const WindowedScores merged = score_windows(text, scored, overlap());
  SentenceScore result;
  result.truncated_words = merged.truncated_words;
  const Window& first = windows.front();
  for (const WordScore& word : m_request.rule == OffsetRule::kTrimmed
                                   ? merged.words
                                   : score_words(text, first.tokens.offsets, first.scores, m_request.rule)) {
    result.probabilities.push_back(rounded(word.score));
  }
  return result;
}

}  // namespace vivace
