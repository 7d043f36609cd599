#include "cli/answer_stream.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace vivace {
namespace {

constexpr size_t kChunkTexts = 64;
constexpr size_t kChunkBytes = size_t{1} << 20;
// 1024 short texts wait at most: enough for full batches, a quarter of what the engine's queue takes.
constexpr size_t kChunksInFlight = 16;

struct Chunk {
  std::vector<InputText> inputs;
  std::future<Result<AnswerWriter>> answer;  // not valid() when no input of the chunk has a usable text
  std::optional<double> fraction;            // of the whole input that is read with this chunk
};

// A bounded queue between one producer and one consumer. close() ends it for both.
class ChunkQueue {
 public:
  // False when the consumer has gone.
  bool push(Chunk chunk) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_closed || m_chunks.size() < kChunksInFlight; });
    if (m_closed) return false;
    m_chunks.push_back(std::move(chunk));
    m_changed.notify_all();
    return true;
  }
  // nullopt when it is closed and empty.
  std::optional<Chunk> pop() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_closed || !m_chunks.empty(); });
    if (m_chunks.empty()) return std::nullopt;
    Chunk chunk = std::move(m_chunks.front());
    m_chunks.pop_front();
    m_changed.notify_all();
    return chunk;
  }
  void close() {
    const std::lock_guard lock(m_mutex);
    m_closed = true;
    m_changed.notify_all();
  }
  bool empty() {
    const std::lock_guard lock(m_mutex);
    return m_chunks.empty();
  }

 private:
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Chunk> m_chunks;
  bool m_closed = false;
};

class AnswerStream {
 public:
  AnswerStream(const StreamedVerb& verb, const StreamOptions& options, Progress* progress)
      : m_verb(verb), m_options(options), m_progress(progress) {}

  Result<StreamTotals> run(TextSource& source) {
    m_source = &source;
    Result<void> written;
    std::jthread consumer([&] {
      written = write_answers();
      m_stop.request_stop();  // the producer may be waiting for input
      m_queue.close();
    });
    const Result<void> read = submit_all(source);
    m_queue.close();
    consumer.join();
    // The consumer's error came first in the order of the texts.
    RETURN_IF_ERROR(written);
    RETURN_IF_ERROR(read);
    return m_totals;
  }

 private:
  Result<void> submit_all(TextSource& source) {
    while (true) {
      ASSIGN_OR_RETURN(std::vector<InputText> inputs, source.next(kChunkTexts, kChunkBytes, m_stop.get_token()));
      if (inputs.empty()) return {};
      std::erase_if(inputs, [&](const InputText& input) { return input.index < m_options.first_index; });
      if (inputs.empty()) continue;
      Chunk chunk{.inputs = std::move(inputs), .answer = {}, .fraction = source.fraction_taken()};
      submit(&chunk);
      if (!m_queue.push(std::move(chunk))) return {};
    }
  }

  void submit(Chunk* chunk) {
    std::vector<InputText> texts;
    for (const InputText& input : chunk->inputs) {
      if (input.problem.empty()) {
        texts.push_back(input);  // the chunk keeps its own, should each have to be sent by itself
      } else if (m_options.on_problem == OnProblem::kStop) {
        break;  // the consumer will end the run at this input
      }
    }
    if (!texts.empty()) chunk->answer = send(std::move(texts));
  }

  std::future<Result<AnswerWriter>> send(std::vector<InputText> texts) {
    auto promise = std::make_shared<std::promise<Result<AnswerWriter>>>();
    std::future<Result<AnswerWriter>> answer = promise->get_future();
    m_verb.submit(std::move(texts), [promise](Result<AnswerWriter> found) { promise->set_value(std::move(found)); });
    return answer;
  }

  Result<void> write_answers() {
    while (std::optional<Chunk> chunk = m_queue.pop()) {
      const Result<void> written = write_chunk(*chunk);
      // Someone may be waiting for these lines: hold back only while more are coming anyway.
      if (!written || m_queue.empty()) RETURN_IF_ERROR(m_verb.flush());
      RETURN_IF_ERROR(written);
      if (m_progress != nullptr) m_progress->update(m_totals.texts, chunk->fraction);
    }
    return {};
  }

  Result<void> write_chunk(Chunk& chunk) {
    AnswerWriter write;
    if (chunk.answer.valid()) {
      Result<AnswerWriter> answer = chunk.answer.get();
      if (!answer && is_about_a_text(answer.error())) return write_one_by_one(chunk.inputs);
      ASSIGN_OR_RETURN(write, std::move(answer));
    }
    size_t item = 0;
    for (const InputText& input : chunk.inputs) {
      RETURN_IF_ERROR(input.problem.empty() ? write_answer(write, item++, input.index)
                                            : pass_problem(input.index, input.problem));
    }
    return {};
  }

  bool is_about_a_text(const Status& problem) const {
    return problem.code == StatusCode::kTooLarge ||
           (m_verb.refuses_texts && problem.code == StatusCode::kInvalidArgument);
  }

  // One text was refused, and with it all that were sent beside it.
  Result<void> write_one_by_one(std::vector<InputText>& inputs) {
    for (InputText& input : inputs) {
      const uint64_t index = input.index;
      if (!input.problem.empty()) {
        RETURN_IF_ERROR(pass_problem(index, input.problem));
        continue;
      }
      std::vector<InputText> alone;
      alone.push_back(std::move(input));
      const Result<AnswerWriter> answer = send(std::move(alone)).get();
      if (answer) {
        RETURN_IF_ERROR(write_answer(*answer, 0, index));
      } else if (is_about_a_text(answer.error())) {
        RETURN_IF_ERROR(pass_problem(index, answer.error().with_context(m_source->place_of(index)).message));
      } else {
        return std::unexpected(answer.error());
      }
    }
    return {};
  }

  Result<void> write_answer(const AnswerWriter& write, size_t item, uint64_t index) {
    ASSIGN_OR_RETURN(const TextEnd end, write(item, index));
    ++m_totals.texts;
    m_totals.truncated += end == TextEnd::kCut ? 1 : 0;
    return {};
  }

  Result<void> pass_problem(uint64_t index, const std::string& problem) {
    if (m_options.on_problem == OnProblem::kStop) return error(StatusCode::kInvalidArgument, problem);
    ++m_totals.problems;
    return m_verb.write_problem(index, problem);
  }

  const StreamedVerb& m_verb;
  const StreamOptions& m_options;
  Progress* m_progress;
  const TextSource* m_source = nullptr;
  ChunkQueue m_queue;
  std::stop_source m_stop;
  StreamTotals m_totals;  // the consumer's until it has ended
};

}  // namespace

Result<StreamTotals> stream_answers(const StreamedVerb& verb, TextSource& source, const StreamOptions& options,
                                    Progress* progress) {
  return AnswerStream(verb, options, progress).run(source);
}

}  // namespace vivace
