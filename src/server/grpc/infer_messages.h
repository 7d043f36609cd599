// Between gRPC's messages and the program's plain structs.
#pragma once

#include <string>

#include <inference.pb.h>
#include "server/grpc_module.h"

namespace vivace {

// kInvalidArgument for tensors that are not texts or do not add up, kTooLarge for more than max_texts in one of them.
Result<KserveRequest> read_infer_request(const inference::ModelInferRequest& message, size_t max_texts);

enum class TensorForm { kRaw, kTyped };  // values in raw_output_contents, or in each tensor's contents

// The form in which the client sends, and so expects, its tensors.
TensorForm tensor_form(const inference::ModelInferRequest& message);
void write_infer_response(const KserveResponse& response, TensorForm form, inference::ModelInferResponse* message);

void write_model_metadata(const KserveModelMetadata& metadata, inference::ModelMetadataResponse* message);

}  // namespace vivace
