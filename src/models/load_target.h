// What a model is loaded for: the kernels that will run it, the precision of its layers, and perhaps a packed file that
// has them ready, or one that is being written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "formats/model_directory.h"
#include "formats/packed_file.h"
#include "kernels/kernel_table.h"
#include "tensor/precision.h"

namespace vivace {

class CalibratedRounding;
class InputRecorder;

struct LoadTarget {
  // Not explicit: a kernel table alone means fp32.
  LoadTarget(const KernelTable& table, Precision layers = Precision::kF32) : kernels(table), precision(layers) {}

  // The same for what is computed in fp32 in any model: heads, projections that are made once.
  LoadTarget in_fp32() const {
    LoadTarget exact = *this;
    exact.precision = Precision::kF32;
    return exact;
  }

  // For a copy of a layer beside the layer itself.
  LoadTarget in_int8() const {
    LoadTarget coarse = *this;
    coarse.precision = Precision::kInt8;
    coarse.kept_in_bf16.clear();
    return coarse;
  }

  bool is_quantized() const { return precision == Precision::kInt8 || precision == Precision::kInt4; }

  const KernelTable& kernels;
  Precision precision;                         // of the layers; heads, embeddings and norms are fp32
  std::vector<std::string> kept_in_bf16{};     // layers of an int8 model, by the beginning of their tensors' names
  std::shared_ptr<const PackedFile> packed{};  // made for these kernels and this precision; nullptr: the checkpoint
  PackedFileWriter* writer = nullptr;          // gets all that is loaded
  InputRecorder* recorder = nullptr;           // learns the names of all layers
  CalibratedRounding* calibration = nullptr;   // rounds int8 layers for what they read; nullptr: to the nearest
};

// What the layers of the model are computed in where that precision is asked for: int4 is for what writes text, all
// else takes int8 for it.
Precision layer_precision(const ModelDirectory& directory, const KernelTable& kernels, Precision asked);

// The packed model that the directory is, or that stands beside its checkpoint for these kernels and this precision
// (for kAuto: int8, else int4, bf16, fp32), with a line in the log; else the checkpoint. kUnsupported for a packed
// model that was made for others; one that only stands beside a checkpoint is then passed over, with a line in the log.
Result<LoadTarget> choose_target(const ModelDirectory& directory, const KernelTable& kernels, Precision precision);

// The same without a line in the log, for who only wants to know.
struct TargetChoice {
  LoadTarget target;
  std::string found{};        // what the log would say about a packed file beside the checkpoint that is taken,
  std::string passed_over{};  // or about one that is not; empty: nothing
};
Result<TargetChoice> consider_targets(const ModelDirectory& directory, const KernelTable& kernels, Precision precision);

}  // namespace vivace
