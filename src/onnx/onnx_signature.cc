#include "onnx/onnx_signature.h"

#include <algorithm>
#include <climits>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr std::pair<std::string_view, OnnxInput> kInputs[] = {{"input_ids", OnnxInput::kIds},
                                                              {"attention_mask", OnnxInput::kMask},
                                                              {"token_type_ids", OnnxInput::kTypes},
                                                              {"position_ids", OnnxInput::kPositions}};

std::string shape_text(const OnnxPort& port) {
  if (!port.has_rank) return "any shape";
  std::string text = "[";
  for (const int64_t dim : port.dims) text += (text.size() > 1 ? ", " : "") + (dim < 0 ? "?" : std::to_string(dim));
  return text + "]";
}

std::string port_text(const OnnxPort& port) {
  return "'" + printable(port.name) + "' (" + port.element + " " + shape_text(port) + ")";
}

Result<OnnxInput> read_input(const OnnxPort& port, const std::string& origin) {
  const auto* const known = std::ranges::find(kInputs, port.name, &std::pair<std::string_view, OnnxInput>::first);
  if (known == std::end(kInputs)) {
    return error(StatusCode::kUnsupported,
                 origin + ": input " + port_text(port) +
                     " is unknown; known: input_ids, attention_mask, token_type_ids, position_ids");
  }
  const bool is_number = port.element == "i64" || port.element == "i32";
  const bool is_matrix = port.has_rank && port.dims.size() == 2 && port.dims[1] < 0 && port.dims[0] <= 1;
  if (is_number && is_matrix) return known->second;
  return error(StatusCode::kUnsupported, origin + ": input " + port_text(port) +
                                             " must be int64 or int32 with both dimensions open: export the model "
                                             "with dynamic axes for the batch and the tokens");
}

Result<OnnxOutput> read_output(const OnnxSession& session, size_t index, size_t rank, const std::string& origin) {
  const OnnxPort& port = session.outputs()[index];
  const bool has_rank = port.has_rank && port.dims.size() == rank;
  if (!has_rank || port.element != "f32" || port.dims.back() > INT_MAX || port.dims.back() == 0) {
    return error(StatusCode::kUnsupported, origin + ": output " + port_text(port) + " must be floating-point with " +
                                               std::to_string(rank) + " dimensions");
  }
  return OnnxOutput{
      .index = index, .name = port.name, .columns = static_cast<int>(std::max<int64_t>(port.dims.back(), 0))};
}

// Of the first of the names that the session has; nullopt without any.
std::optional<size_t> find_output(const OnnxSession& session, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto found = std::ranges::find(session.outputs(), name, &OnnxPort::name);
    if (found != session.outputs().end()) return static_cast<size_t>(found - session.outputs().begin());
  }
  return std::nullopt;
}

Result<void> read_outputs(const OnnxSession& session, const std::string& origin, OnnxSignature* signature) {
  if (const auto index = find_output(session, {"last_hidden_state", "token_embeddings"})) {
    ASSIGN_OR_RETURN(signature->hidden, read_output(session, *index, 3, origin));
  }
  if (const auto index = find_output(session, {"logits"})) {
    const bool is_for_sequences = session.outputs()[*index].dims.size() == 2;
    ASSIGN_OR_RETURN(OnnxOutput logits, read_output(session, *index, is_for_sequences ? 2 : 3, origin));
    (is_for_sequences ? signature->sequences : signature->tokens) = std::move(logits);
  }
  auto vector = find_output(session, {"sentence_embedding"});
  // BERT's pooler is made for its pre-training: no sentence's vector where there is another way to one.
  if (!vector && !signature->hidden) vector = find_output(session, {"pooler_output"});
  if (vector) {
    ASSIGN_OR_RETURN(signature->vector, read_output(session, *vector, 2, origin));
  }
  if (signature->hidden || signature->tokens || signature->sequences || signature->vector) return {};
  std::string found;
  for (const OnnxPort& port : session.outputs()) found += (found.empty() ? "" : ", ") + port_text(port);
  return error(StatusCode::kUnsupported,
               origin + ": none of the outputs is known, only " + printable(found) +
                   "; known: last_hidden_state, token_embeddings, logits, sentence_embedding, pooler_output");
}

}  // namespace

bool OnnxSignature::has(OnnxInput input) const {
  return std::ranges::find(inputs, input) != inputs.end();
}

const std::optional<OnnxOutput>& OnnxSignature::output(ModelOutput output) const {
  static const std::optional<OnnxOutput> kNone;
  switch (output) {
    case ModelOutput::kHiddenStates: return hidden;
    case ModelOutput::kTokenLogits: return tokens;
    case ModelOutput::kSequenceLogits: return sequences;
    case ModelOutput::kSequenceVector: return vector;
    case ModelOutput::kFirstHiddenState:
    case ModelOutput::kMarkedLogits: return kNone;  // no file gives single rows
  }
  return kNone;
}

Result<OnnxSignature> read_onnx_signature(const OnnxSession& session, const std::string& origin) {
  OnnxSignature signature;
  for (const OnnxPort& port : session.inputs()) {
    ASSIGN_OR_RETURN(const OnnxInput input, read_input(port, origin));
    if (signature.has(input)) return error(StatusCode::kCorruptFile, origin + ": has two inputs " + port_text(port));
    signature.inputs.push_back(input);
    signature.is_single = signature.is_single || port.dims[0] == 1;
  }
  if (!signature.has(OnnxInput::kIds)) return error(StatusCode::kUnsupported, origin + ": has no input 'input_ids'");
  RETURN_IF_ERROR(read_outputs(session, origin, &signature));
  return signature;
}

}  // namespace vivace
