// OnnxSession over OpenVINO Runtime: the only file that includes OpenVINO, built into libvivace_openvino.so. Links
// nothing of ours, so that the module does not bring second copies of the program's globals. OpenVINO throws; nothing
// leaves this file but Results.
#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/openvino.hpp>

#include "onnx/onnx_session.h"

namespace vivace {
namespace {

// OpenVINO's messages have several lines and begin with places in its sources; ours have one line about the matter.
std::string one_line(const char* text) {
  constexpr size_t kMostBytes = 600;
  std::string line;
  for (const char* c = text; *c != '\0' && line.size() < kMostBytes; ++c) {
    const bool is_blank = *c == ' ' || *c == '\n' || *c == '\t' || *c == '\r';
    if (is_blank && (line.empty() || line.back() == ' ')) continue;
    const bool is_plain = *c > ' ' && *c < 127;
    line += is_plain ? *c : (is_blank ? ' ' : '?');
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  while (line.starts_with("Exception from ") && line.find(": ") != std::string::npos)
    line.erase(0, line.find(": ") + 2);
  return line;
}

// Runs body and turns whatever it throws into an error.
template <typename Body>
Result<void> guarded(StatusCode code, Body&& body) {
  try {
    body();
    return {};
  } catch (const std::bad_alloc&) {
    return error(StatusCode::kInternal, "OpenVINO: out of memory");
  } catch (const std::exception& problem) {
    return error(code, "OpenVINO: " + one_line(problem.what()));
  } catch (...) {
    return error(code, "OpenVINO failed without a message");
  }
}

OnnxPort describe(const ov::Output<const ov::Node>& port) {
  OnnxPort described;
  // The name of the ONNX file; a port may have several, the others stand for values inside.
  described.name = port.get_any_name();
  described.element = port.get_element_type().get_type_name();
  const ov::PartialShape& shape = port.get_partial_shape();
  described.has_rank = shape.rank().is_static();
  if (!described.has_rank) return described;
  for (const ov::Dimension& dim : shape) described.dims.push_back(dim.is_static() ? dim.get_length() : -1);
  return described;
}

// Rows of the tables that the values of a parameter pick, through conversions of their type; 0 without any.
int64_t gathered_rows(const ov::Output<ov::Node>& values) {
  for (const ov::Input<ov::Node>& use : values.get_target_inputs()) {
    ov::Node* node = use.get_node();
    int64_t rows = 0;
    if (ov::is_type<ov::op::v0::Convert>(node)) {
      rows = gathered_rows(node->output(0));
    } else if (ov::is_type<ov::op::util::GatherBase>(node) && use.get_index() == 1) {
      const ov::PartialShape& table = node->get_input_partial_shape(0);
      if (table.rank().is_static() && table.rank().get_length() == 2 && table[0].is_static()) {
        rows = table[0].get_length();
      }
    }
    if (rows > 0) return rows;
  }
  return 0;
}

class OpenVinoSession final : public OnnxSession {
 public:
  // Throws what OpenVINO throws.
  OpenVinoSession(ov::Core& core, const OnnxSessionOptions& options) {
    std::shared_ptr<ov::Model> model = core.read_model(options.path);
    for (const auto& input : model->inputs()) {
      m_inputs.push_back(describe(input));
      m_table_rows.push_back(gathered_rows(input));
    }
    ov::preprocess::PrePostProcessor conversion(model);
    for (size_t i = 0; i < model->outputs().size(); ++i) {
      if (model->output(i).get_element_type().is_real())
        conversion.output(i).tensor().set_element_type(ov::element::f32);
    }
    model = conversion.build();
    for (const auto& output : model->outputs()) m_outputs.push_back(describe(output));
    // f32: the default takes bf16 on CPUs that have it, and quantises activations on the fly. One stream: a run gets
    // all threads. Not pinned: the scheduler knows the neighbours, OpenVINO does not.
    m_model = core.compile_model(model, "CPU", ov::inference_num_threads(options.threads), ov::num_streams(1),
                                 ov::hint::enable_cpu_pinning(false), ov::hint::inference_precision(ov::element::f32),
                                 ov::hint::dynamic_quantization_group_size(0));
  }

  const std::vector<OnnxPort>& inputs() const override { return m_inputs; }
  const std::vector<OnnxPort>& outputs() const override { return m_outputs; }
  int64_t table_rows(size_t input) const override { return m_table_rows[input]; }

  Result<void> run(const OnnxFeed& feed, size_t output, const OnnxTaker& take) const override {
    return guarded(StatusCode::kInternal, [&] {
      ov::InferRequest request = take_request();
      for (size_t i = 0; i < m_inputs.size(); ++i) fill(request, i, feed);
      request.infer();
      const ov::Tensor result = request.get_output_tensor(output);
      // A copy: each call of get_shape() may write the shape that it answers with anew.
      const ov::Shape shape = result.get_shape();  // NOLINT(performance-unnecessary-copy-initialization)
      take({result.data<float>(), {shape.begin(), shape.end()}});
      return_request(std::move(request));
    });
  }

 private:
  void fill(ov::InferRequest& request, size_t input, const OnnxFeed& feed) const {
    const ov::Shape shape{static_cast<size_t>(feed.sequences), static_cast<size_t>(feed.tokens)};
    const std::vector<int64_t>& values = feed.values[input];
    ov::Tensor tensor = request.get_input_tensor(input);
    tensor.set_shape(shape);
    if (tensor.get_element_type() == ov::element::i64) {
      std::ranges::copy(values, tensor.data<int64_t>());
    } else {
      std::ranges::transform(values, tensor.data<int32_t>(), [](int64_t value) { return static_cast<int32_t>(value); });
    }
  }

  // A request runs one batch at a time and is dear to make: those that are free are kept.
  ov::InferRequest take_request() const {
    const std::lock_guard lock(m_mutex);
    if (m_free.empty()) return m_model.create_infer_request();
    ov::InferRequest request = std::move(m_free.back());
    m_free.pop_back();
    return request;
  }
  void return_request(ov::InferRequest request) const {
    const std::lock_guard lock(m_mutex);
    m_free.push_back(std::move(request));
  }

  std::vector<OnnxPort> m_inputs;
  std::vector<OnnxPort> m_outputs;
  std::vector<int64_t> m_table_rows;
  mutable ov::CompiledModel m_model;
  mutable std::mutex m_mutex;
  mutable std::vector<ov::InferRequest> m_free;
};

// Lives until the process ends: its threads must not outlast what they use, and statics are destroyed in no good order.
ov::Core& core() {
  static auto* const the_core = new ov::Core();
  return *the_core;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void vivace_open_onnx_session(const OnnxSessionOptions* options,
                                                                                OnnxSessionResult* result) {
  std::unique_ptr<const OnnxSession> session;
  const Result<void> opened =
      guarded(StatusCode::kUnsupported, [&] { session = std::make_unique<OpenVinoSession>(core(), *options); });
  if (opened) {
    *result = std::move(session);
  } else {
    *result = std::unexpected(opened.error());
  }
}

}  // namespace vivace
