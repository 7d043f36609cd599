// A request on its way through the engine, whatever it asks for: token sequences, the output that they are computed
// for, and what becomes of each sequence's rows.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"
#include "engine/request.h"
#include "models/model.h"
#include "tensor/tensor_view.h"
#include "text/token_sequence.h"

namespace vivace {

using EngineClock = std::chrono::steady_clock;

// What a task makes of a request. take() and complete() run on the thread that computes and must not block.
struct JobWork {
  ModelOutput output = ModelOutput::kHiddenStates;
  std::vector<TokenSequence> sequences;
  // With kMarkedLogits, the tokens of each sequence whose logits are wanted; else empty.
  std::vector<std::vector<int32_t>> marks;
  size_t mark_cost = 0;  // tokens that a mark counts in a batch's budget
  // The rows of one sequence: one a token, a mark or, with outputs of sequences, just one.
  std::function<void(size_t sequence, MatrixView<const float> rows)> take;
  std::function<void()> complete;  // after the last take(); may be empty
};

struct Job {
  JobWork work;
  RequestLimits limits;
  std::function<void(Result<ResponseTimes>)> finish;  // called exactly once: by who sets answered
  std::atomic<bool> answered = false;
  uint64_t watch_id = 0;  // 0: nothing can end it before its answer
  ResponseTimes times;
  size_t next = 0;        // first sequence that is in no batch yet
  size_t unfinished = 0;  // sequences whose rows were not taken yet
  EngineClock::time_point submitted;
  EngineClock::time_point started;  // when its first batch began

  size_t waiting() const { return work.sequences.size() - next; }
  // Tokens that a sequence counts in a batch's budget.
  size_t cost(size_t sequence) const {
    const size_t marks = work.marks.empty() ? 0 : work.marks[sequence].size();
    return work.sequences[sequence].ids.size() + marks * work.mark_cost;
  }
};

}  // namespace vivace
