// The rows of the evidence store as plain structs. Texts are UTF-8, times are "2026-01-31T12:00:00.000Z".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/labels.h"

namespace vivace {

inline constexpr char kDefaultTenant[] = "default";

struct EvidenceRecord {
  std::string id;  // unique within its tenant
  std::string content;
  std::string source_url;   // may be empty
  std::string source_type;  // may be empty
  std::string created_at;   // given by the store
};

struct EvidenceInput {
  EvidenceRecord evidence;
  std::vector<float> vector;  // empty: found by keywords only
};

// How far a source has been read: written with the rows before it or not at all.
struct IngestCheckpoint {
  std::string source;      // the corpus: name and digest, chosen by the caller
  uint64_t position = 0;   // rows of it that are stored
  std::string model_name;  // that made their vectors; empty: they have none
};

struct EvidenceBatch {
  std::string tenant = kDefaultTenant;
  std::string model_name;  // that made the vectors; one for each tenant, as vectors of two models do not compare
  std::vector<EvidenceInput> items;
  std::optional<IngestCheckpoint> checkpoint;
};

struct ScoredEvidence {
  EvidenceRecord evidence;
  double score = 0;  // cosine, or the BM25 score of a keyword search; larger is better
};

struct VectorQuery {
  std::string tenant = kDefaultTenant;
  std::vector<float> vector;
  size_t limit = 10;
  double min_similarity = -1;  // cosine, inclusive
  std::optional<std::string> source_url;
};

struct KeywordQuery {
  std::string tenant = kDefaultTenant;
  std::string text;
  size_t limit = 10;
  std::optional<std::string> source_url;
};

struct ClaimRecord {
  std::string id;
  std::string tenant = kDefaultTenant;
  std::string text;
  std::string source_url;
  std::string submitted_at;  // given by the store
};

struct ClaimPage {
  std::vector<ClaimRecord> items;  // the newest first
  uint64_t total = 0;
};

struct NliRecord {
  std::string id;
  std::string evidence_id;
  NliLabel label = NliLabel::kNeutral;
  double confidence = 0;
  double entailment_score = 0;
  double neutral_score = 0;
  double contradiction_score = 0;
  double similarity = 0;  // of the evidence to the claim
  std::string premise;
  std::string hypothesis;
};

struct VerificationRecord {
  std::string id;
  std::string claim_id;
  Verdict verdict = Verdict::kInsufficient;
  double confidence = 0;
  double support_score = 0;
  double refute_score = 0;
  double neutral_score = 0;
  uint64_t evidence_count = 0;
  uint64_t supporting_count = 0;
  uint64_t refuting_count = 0;
  uint64_t neutral_count = 0;
  std::string reasoning;
  std::string model_name;
  std::string pipeline_version = "1.0.0";
  std::string retrieval_method;
  std::string created_at;  // given by the store
  std::vector<NliRecord> nli_results;
};

// Work that is done after its request was answered. What stands in request and result is the caller's.
struct TaskRecord {
  std::string id;
  std::string tenant = kDefaultTenant;
  std::string claim_id;
  TaskStatus status = TaskStatus::kPending;
  std::string request;
  std::string result;        // kCompleted only
  std::string error;         // kFailed only
  uint64_t progress = 0;     // percent
  std::string created_at;    // given by the store
  std::string completed_at;  // given by the store with kCompleted and kFailed
};

}  // namespace vivace
