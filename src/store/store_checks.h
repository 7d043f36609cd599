// What every store demands of its input before it touches the database. kInvalidArgument or kTooLarge, naming the
// field.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/status.h"
#include "store/evidence_records.h"

namespace vivace {

inline constexpr size_t kMaxIdBytes = 200;  // also of tenants and model names
inline constexpr size_t kMaxUrlBytes = 8192;
inline constexpr size_t kMaxTextBytes = size_t{1} << 20;  // of a piece of evidence, a claim, a reasoning
inline constexpr size_t kMaxTaskResultBytes = size_t{16} << 20;
inline constexpr size_t kMaxBatchItems = 10'000;
inline constexpr size_t kMaxDimensions = 8192;
inline constexpr size_t kMaxResults = 1000;  // of a search or a page

Result<void> check_id(std::string_view field, std::string_view id);
Result<void> check_text(std::string_view field, std::string_view text, size_t max_bytes);
// Finite, not all zeros, 1 to kMaxDimensions values.
Result<void> check_vector(std::string_view field, std::span<const float> vector);
Result<void> check_batch(const EvidenceBatch& batch);
Result<void> check_query(const VectorQuery& query);
Result<void> check_query(const KeywordQuery& query);
Result<void> check_claim(const ClaimRecord& claim);
Result<void> check_task(const TaskRecord& task);
Result<void> check_verification(const VerificationRecord& verification);

}  // namespace vivace
