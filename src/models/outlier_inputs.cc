#include "models/outlier_inputs.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "tensor/aligned_buffer.h"

namespace vivace {
namespace {

constexpr size_t kMostStrong = 7;
constexpr int kInputsForAnOutlier = 16;
// Largest weight of a channel against that of the median channel. Random matrices stay below 2.
constexpr float kStrong = 4;
// Of the sum of all squared scales.
constexpr float kGainWorthAnOutlier = 0.01F;

// Raises each channel's strength to what this matrix [channels, inputs] says.
void raise_strengths(const AlignedBuffer<float>& matrix, std::vector<float>* strengths) {
  const size_t channels = strengths->size();
  const size_t inputs = matrix.size() / channels;
  std::vector<float> largest(channels);
  for (size_t channel = 0; channel < channels; ++channel) {
    const float* row = matrix.data() + channel * inputs;
    for (size_t i = 0; i < inputs; ++i) largest[channel] = std::max(largest[channel], std::abs(row[i]));
  }
  std::vector<float> sorted = largest;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(channels / 2);
  std::ranges::nth_element(sorted, middle);
  if (!std::isnormal(*middle)) return;
  for (size_t channel = 0; channel < channels; ++channel) {
    (*strengths)[channel] = std::max((*strengths)[channel], largest[channel] / *middle);
  }
}

struct Weight {
  float size = 0;
  int32_t input = -1;
};

// The `count` largest weights of each output, from the largest on; of fewer inputs the rest has none.
std::vector<Weight> largest_weights(const float* weight, int outputs, int inputs, size_t count) {
  std::vector<Weight> all(static_cast<size_t>(outputs) * count);
  for (int output = 0; output < outputs; ++output) {
    Weight* largest = all.data() + static_cast<size_t>(output) * count;
    for (int32_t input = 0; input < inputs; ++input) {
      const float size = std::abs(*weight++);
      if (!(size > largest[count - 1].size)) continue;
      size_t place = count - 1;
      for (; place > 0 && largest[place - 1].size < size; --place) largest[place] = largest[place - 1];
      largest[place] = {size, input};
    }
  }
  return all;
}

struct Gain {
  int32_t input = -1;
  float share = 0;  // by which the sum of all squared scales would fall
};

// The input whose absence would help most, out of each output's `count` largest weights.
Gain best_gain(const std::vector<Weight>& largest, size_t count, const std::vector<bool>& taken) {
  std::vector<float> gains(taken.size());
  float sum = 0;
  for (size_t begin = 0; begin < largest.size(); begin += count) {
    Weight left[2];
    size_t found = 0;
    for (size_t i = begin; i < begin + count && found < 2; ++i) {
      const bool is_left = largest[i].input >= 0 && !taken[static_cast<size_t>(largest[i].input)];
      if (is_left) left[found++] = largest[i];
    }
    if (found == 0) continue;
    sum += left[0].size * left[0].size;
    gains[static_cast<size_t>(left[0].input)] += left[0].size * left[0].size - left[1].size * left[1].size;
  }
  const auto best = std::ranges::max_element(gains);
  if (!(sum > 0)) return {};
  return {static_cast<int32_t>(best - gains.begin()), *best / sum};
}

}  // namespace

std::vector<int32_t> find_strong_channels(const WeightFiles& files, int hidden_size) {
  std::vector<float> strengths(static_cast<size_t>(hidden_size));
  for (const auto& [name, tensor] : files.tensors()) {
    if (tensor.shape.rank() != 2 || tensor.shape[0] != hidden_size || tensor.shape[1] == 0) continue;
    AlignedBuffer<float> matrix(static_cast<size_t>(tensor.shape.elements()));
    if (convert_to_f32(tensor, matrix.data())) raise_strengths(matrix, &strengths);
  }
  std::vector<int32_t> channels(strengths.size());
  std::iota(channels.begin(), channels.end(), 0);
  std::ranges::stable_sort(channels, std::greater<>(),
                           [&](int32_t channel) { return strengths[static_cast<size_t>(channel)]; });
  const auto weak = std::ranges::find_if(
      channels, [&](int32_t channel) { return strengths[static_cast<size_t>(channel)] < kStrong; });
  channels.erase(weak, channels.end());
  channels.resize(std::min(channels.size(), kMostStrong));
  return channels;
}

std::vector<int32_t> choose_outliers(std::span<const int32_t> strong, const float* weight, int outputs, int inputs) {
  const size_t most = std::min(kMostOutlierInputs, static_cast<size_t>(inputs / kInputsForAnOutlier));
  std::vector<int32_t> chosen(strong.begin(), strong.begin() + static_cast<ptrdiff_t>(std::min(strong.size(), most)));
  std::vector<bool> taken(static_cast<size_t>(inputs));
  for (const int32_t input : chosen) taken[static_cast<size_t>(input)] = true;
  const size_t count = most + 1;  // enough for what is left to have its largest here
  const std::vector<Weight> largest = largest_weights(weight, outputs, inputs, count);
  while (chosen.size() < most) {
    const Gain gain = best_gain(largest, count, taken);
    if (gain.share < kGainWorthAnOutlier) break;
    chosen.push_back(gain.input);
    taken[static_cast<size_t>(gain.input)] = true;
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace vivace
