// What a model takes and gives as tensors, by what it is for: the one place that says so. Model metadata shows it, and
// requests are held against it.
#pragma once

#include <string_view>

#include "runtime/served_model.h"
#include "server/json_fields.h"
#include "server/kserve_message.h"

namespace vivace {

// Names of tensors.
inline constexpr std::string_view kTextTensor = "text";
inline constexpr std::string_view kPairTensor = "text_pair";
inline constexpr std::string_view kQueryTensor = "query";
inline constexpr std::string_view kDocumentsTensor = "documents";
inline constexpr std::string_view kPromptTensor = "prompt";

bool has_input(const KserveRequest& request, std::string_view name);

enum class KserveTask { kEmbed, kClassify, kRank, kTag, kFillMask, kGenerate };
KserveTask kserve_task(const ServedModel& model);  // of a loaded one

KserveModelMetadata kserve_metadata(std::string_view name, const ServedModel& model);

// kInvalidArgument for tensors or outputs that the model does not know, or that are missing or there twice; for empty
// texts. kTooLarge for more or longer texts than the limits allow.
ApiResult<void> check_kserve_request(const KserveRequest& request, const KserveModelMetadata& model,
                                     const TextLimits& limits);

}  // namespace vivace
