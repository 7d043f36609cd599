// From named tensors of a checkpoint to the packed layers that operations use. Shared by all architectures.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/weights.h"
#include "models/load_target.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/rms_norm.h"
#include "ops/shortlist.h"

namespace vivace {

enum class LayerBias : uint8_t { kNone, kPresent };

// Loads layers for one kernel table and counts what it loads. Problems go to the WeightLoader, whose finish() tells
// them all. A layer with a missing tensor stays empty: no memory is taken for sizes that only a configuration claims.
class LayerLoader {
 public:
  // hidden_size: of the states that the layers read and write; 0: layers of another kind.
  LayerLoader(WeightLoader& weights, const LoadTarget& target, int hidden_size = 0);

  // Whether a packed file that is being read has the Linear of that name alone.
  bool is_packed(const WeightScope& scope, std::string_view name) const;

  // One Linear out of the layers of those names, outputs side by side: {"query", "key", "value"} gives [q | k | v].
  // Each has weight [outputs_each, inputs] and, if there is one, bias [outputs_each].
  Linear linear(const WeightScope& scope, std::initializer_list<std::string_view> names, int inputs, int outputs_each,
                LayerBias bias = LayerBias::kPresent);
  // A Linear whose weight [outputs, inputs] and bias [outputs] have names of their own. Empty bias name: none.
  struct Names {
    std::string_view weight;
    std::string_view bias;
  };
  Linear named_linear(const WeightScope& scope, Names names, int inputs, int outputs);
  // One Linear out of rows first … first + outputs - 1 of weight [rows, inputs], and of bias [rows] where there is one.
  struct RowRange {
    int rows = 0;
    int first = 0;
    int outputs = 0;
  };
  Linear linear_rows(const WeightScope& scope, int inputs, RowRange range, LayerBias bias);
  // A convolution over tokens, weight [n, n / groups, kernel_size] and bias [n], as a Linear whose inputs are the
  // kernel_size tokens side by side; what lies outside a group is zero.
  Linear convolution(const WeightScope& scope, int n, int kernel_size, int groups);
  // weight and, if there is one, bias [n]; or gamma and beta.
  LayerNorm layer_norm(const WeightScope& scope, int n, double epsilon, LayerBias bias = LayerBias::kPresent);
  // weight [n].
  RmsNorm rms_norm(const WeightScope& scope, int n, double epsilon);
  // The copy in int8 of that layer of one name without bias, to find its highest output with. Empty where the layer is
  // int8 itself, and where a packed file has none.
  Shortlist shortlist(const WeightScope& scope, std::string_view name, const Linear& layer);
  // A table [rows, columns] as floats.
  AlignedBuffer<float> table(const WeightScope& scope, std::string_view name, int rows, int columns);

  // Another loader of the same tensors, whose layers are fp32. It counts for itself: for what is needed only while the
  // model is loaded, or beside a copy in less than fp32.
  LayerLoader in_fp32() const { return {m_weights, m_target.in_fp32()}; }
  // Another one whose layers are a decoder's: in int4 where that is the precision. It counts for itself.
  LayerLoader for_decoder() const {
    LayerLoader decoder = *this;
    decoder.m_parameters = 0;
    decoder.m_packed_bytes = 0;
    decoder.m_writes = true;
    return decoder;
  }
  const LoadTarget& target() const { return m_target; }
  bool is_fp32() const { return resolve_precision(m_target.kernels, m_target.precision) == Precision::kF32; }
  void count_parameters(size_t parameters) { m_parameters += parameters; }
  void count_bytes(size_t bytes) { m_packed_bytes += bytes; }

  size_t parameters() const { return m_parameters; }
  size_t packed_bytes() const { return m_packed_bytes; }

 private:
  // A layer about to be made: the name under which a packed file has it, and its sizes.
  struct Plan {
    std::string name;
    int inputs = 0;
    int outputs = 0;
    bool has_bias = false;
    size_t parameters = 0;  // that the checkpoint has for it
  };
  struct Values {
    AlignedBuffer<float> weights{};  // [first + outputs at least, inputs]
    AlignedBuffer<float> bias{};     // [outputs], if there is one
    int first = 0;                   // row of the layer's first output
  };
  // Takes the layer out of the packed file, or makes it of read()'s Values.
  template <typename Read>
  Linear make_linear(const Plan& plan, Read read);
  PackedMatrix pack(const Plan& plan, const Values& values);
  Linear packed_linear(const Plan& plan, const std::string& key);
  Precision precision_of(const Plan& plan) const;
  Precision precision_of(std::string_view full_name) const;
  // The tensor's values, converted to `out`.
  void read_floats(const WeightScope& scope, std::string_view name, const TensorView& tensor, float* out);
  // The same in memory of their own.
  AlignedBuffer<float> floats(const WeightScope& scope, std::string_view name, const TensorView& tensor);
  // The same, or out of the packed file.
  AlignedBuffer<float> numbers(const WeightScope& scope, std::string_view name, const Shape& shape);
  WeightLoader& m_weights;
  const LoadTarget m_target;
  int m_hidden_size;
  bool m_writes = false;                                                   // layers of a decoder
  std::shared_ptr<SharedPages> m_pages = std::make_shared<SharedPages>();  // of the layers' panels
  std::vector<int32_t> m_strong_channels;
  size_t m_parameters = 0;
  size_t m_packed_bytes = 0;
};

// The tensors of the directory's checkpoint, or of the target's packed file, which is verified before.
Result<WeightFiles> open_weights(const std::string& directory, const LoadTarget& target);

}  // namespace vivace
