// Several token sequences end to end, without padding: what the engine builds and models compute on.
#pragma once

#include <cstdint>
#include <vector>

namespace vivace {

struct PackedBatch {
  std::vector<int32_t> ids;         // of all tokens of all sequences
  std::vector<int32_t> positions;   // of each token within its sequence, from 0
  std::vector<int32_t> type_ids;    // segment of each token
  std::vector<int32_t> offsets{0};  // [sequences + 1]: sequence i has the tokens offsets[i] … offsets[i+1]-1
  std::vector<int32_t> marked;      // tokens that ModelOutput::kMarkedLogits asks for, ascending
  int longest = 0;                  // tokens of the longest sequence

  int tokens() const { return offsets.back(); }
  int sequences() const { return static_cast<int>(offsets.size()) - 1; }

  void clear() {
    ids.clear();
    positions.clear();
    type_ids.clear();
    offsets.assign(1, 0);
    marked.clear();
    longest = 0;
  }

  // Adds one sequence; type_ids has as many values as sequence_ids, or none for all zeros.
  void append(const std::vector<int32_t>& sequence_ids, const std::vector<int32_t>& sequence_type_ids) {
    const auto count = static_cast<int32_t>(sequence_ids.size());
    ids.insert(ids.end(), sequence_ids.begin(), sequence_ids.end());
    for (int32_t position = 0; position < count; ++position) positions.push_back(position);
    if (sequence_type_ids.empty()) {
      type_ids.resize(type_ids.size() + sequence_ids.size(), 0);
    } else {
      type_ids.insert(type_ids.end(), sequence_type_ids.begin(), sequence_type_ids.end());
    }
    offsets.push_back(offsets.back() + count);
    longest = count > longest ? count : longest;
  }
};

}  // namespace vivace
