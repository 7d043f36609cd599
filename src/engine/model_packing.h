// Makes packed models (formats/packed_file.h) and says what their precision costs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/precision.h"

namespace vivace {

struct PackOptions {
  std::string directory;
  std::string isa;  // kernel table by name; empty: as everywhere
  Precision precision = Precision::kAuto;
  std::string output;                    // empty: beside the checkpoint, where it is found by itself
  std::vector<std::string> texts;        // what the precision is judged on; empty: some that come with the program
  std::vector<std::string> calibration;  // like those to come: int8 is rounded for what layers read of them; or none
  int threads = 0;                       // 0: as everywhere
  double least = 0;                      // that PackReport::worst() must be for the file to be written
};

// Cosines of what two models compute of the same tokens or texts.
struct Closeness {
  double mean = 1;
  double lowest = 1;
};

struct PackReport {
  std::string path;
  bool is_written = false;  // false: the model is not as close to fp32 as it was asked to be
  std::string table;
  Precision precision = Precision::kF32;
  size_t file_bytes = 0;
  size_t checkpoint_bytes = 0;
  double load_ms = 0;             // of the packed file
  double checkpoint_load_ms = 0;  // of the checkpoint, in the same precision
  int texts = 0;
  int calibration_texts = 0;  // 0: rounded to the nearest
  int calibrated_layers = 0;  // that were rounded for them
  // Against fp32: hidden states after the embeddings and after each layer, token by token.
  std::vector<Closeness> layers;
  // Of each text: the mean of its hidden states, or for models that write the scores of the first token.
  Closeness overall;
  // Share of the texts, or of their tokens, with the same best label (or first token written).
  std::optional<double> label_agreement;
  struct Kept {
    std::string layer;
    double loss = 0;  // 1 - mean cosine when no other layer is in int8
  };
  std::vector<Kept> kept_in_bf16;
  // Inputs of int8 layers that are multiplied in fp32, by the names of the layers.
  std::map<std::string, std::vector<int32_t>> outliers;

  // The mean cosine to fp32, or the share of equal labels where that is lower.
  double worst() const { return std::min(overall.mean, label_agreement.value_or(1)); }
};

// An int8 model whose results come out too far from fp32 (mean cosine below 0.9995, or one text below 0.998) gets the
// layers that cost most in bf16, as many as it takes. The errors of loading a model; kUnsupported when there is nothing
// to calibrate; kInvalidArgument when the output is there and is no packed file; kInternal when it cannot be written.
Result<PackReport> pack_model(const PackOptions& options);

}  // namespace vivace
