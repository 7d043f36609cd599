// Which of an ONNX file's inputs and outputs mean what.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/model.h"
#include "onnx/onnx_session.h"

namespace vivace {

enum class OnnxInput : uint8_t { kIds, kMask, kTypes, kPositions };

struct OnnxOutput {
  size_t index = 0;  // of the session's outputs()
  std::string name;
  int columns = 0;  // 0: the file leaves it open
};

struct OnnxSignature {
  std::vector<OnnxInput> inputs;        // in the session's order
  std::optional<OnnxOutput> hidden;     // last_hidden_state or token_embeddings, of rank 3
  std::optional<OnnxOutput> tokens;     // logits of rank 3
  std::optional<OnnxOutput> sequences;  // logits of rank 2
  std::optional<OnnxOutput> vector;     // sentence_embedding; pooler_output where there are no hidden states. Rank 2
  bool is_single = false;               // takes one sequence at a time

  bool has(OnnxInput input) const;
  const std::optional<OnnxOutput>& output(ModelOutput output) const;
};

// kUnsupported, naming the input or output, for one of another name, type or shape, and when none of the outputs is
// known; other outputs beside a known one are left alone. origin starts every message.
Result<OnnxSignature> read_onnx_signature(const OnnxSession& session, const std::string& origin);

}  // namespace vivace
