// Which inputs of a linear layer int8 leaves to fp32.
//
// In int8 all weights of an output share a scale, and so do all values of a token. One that is far larger than the
// others therefore costs all of them their precision. Trained models have such inputs, few and always the same ones
// (Dettmers et al. 2022, LLM.int8(); Sun et al. 2024, Massive Activations), and the weights alone tell which: nothing
// has to be computed for it, and every machine finds the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/weights.h"

namespace vivace {

// Of the hidden states: those channels that some matrix of the checkpoint with hidden_size outputs writes to far more
// strongly than to most, the strongest first. They carry the largest activations in every layer.
std::vector<int32_t> find_strong_channels(const WeightFiles& files, int hidden_size);

// At most so many inputs of a layer. Measured on all-MiniLM-L6-v2: with 4 the mean cosine to fp32 is 0.9995, with 8 it
// is 0.9996, with 16 hardly more, and each costs as much as four inputs in int8.
inline constexpr size_t kMostOutlierInputs = 8;

// Of a layer with that weight [outputs, inputs]: the strong ones, and inputs that hold the largest weights of so many
// outputs that scales would become notably finer without them. Ascending; few, and few in relation to all.
std::vector<int32_t> choose_outliers(std::span<const int32_t> strong, const float* weight, int outputs, int inputs);

}  // namespace vivace
