#include "heads/dense_layer.h"

#include <string>
#include <utility>

#include "base/utf8.h"
#include "models/weight_loading.h"

namespace vivace {
namespace {

constexpr std::pair<std::string_view, Activation> kActivations[] = {
    {"Identity", Activation::kNone}, {"Tanh", Activation::kTanh}, {"GELU", Activation::kGelu},
    {"ReLU", Activation::kRelu},     {"SiLU", Activation::kSilu},
};

Result<Activation> find_activation(const DenseModule& module) {
  std::string known;
  for (const auto& [name, activation] : kActivations) {
    if (name == module.activation) return activation;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return error(StatusCode::kUnsupported, module.directory + "/config.json: activation_function '" +
                                             printable(module.activation) + "' is not supported; known: " + known);
}

}  // namespace

Result<DenseLayer> load_dense_layer(const DenseModule& module, const KernelTable& kernels) {
  DenseLayer dense;
  ASSIGN_OR_RETURN(dense.activation, find_activation(module));
  ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::open(module.directory));
  WeightLoader loader(files);
  LayerLoader load(loader, kernels);
  dense.layer = load.linear_rows(loader.root().scope("linear"), module.inputs,
                                 {.rows = module.outputs, .first = 0, .outputs = module.outputs},
                                 module.has_bias ? LayerBias::kPresent : LayerBias::kNone);
  if (auto done = loader.finish(); !done) return std::unexpected(done.error().with_context(module.directory));
  return dense;
}

std::vector<float> run_dense(const KernelTable& kernels, const DenseLayer& dense, std::span<const float> x) {
  std::vector<float> out(static_cast<size_t>(dense.layer.weight.n()));
  const int inputs = static_cast<int>(x.size());
  const int outputs = dense.layer.weight.n();
  std::vector<Arena> no_scratch(1);
  linear({&kernels, nullptr, no_scratch}, MatrixView<const float>{x.data(), 1, inputs, inputs}, dense.layer,
         {.activation = dense.activation}, {out.data(), 1, outputs, outputs});
  return out;
}

}  // namespace vivace
