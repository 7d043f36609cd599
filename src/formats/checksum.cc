#include "formats/checksum.h"

#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

namespace vivace {
namespace {

// Of bytes that are summed up on their own, so that threads can share a file.
constexpr size_t kBlockBytes = 1 << 20;

uint64_t mix(uint64_t sum, uint64_t word) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15U;  // odd: the multiplication loses nothing
  const uint64_t x = (sum ^ word) * kFactor;
  return x ^ (x >> 29);
}

uint64_t mix_all(std::string_view bytes) {
  uint64_t lanes[4] = {1, 2, 3, 4};
  size_t at = 0;
  for (; at + sizeof lanes <= bytes.size(); at += sizeof lanes) {
    uint64_t words[4];
    std::memcpy(words, bytes.data() + at, sizeof words);
    for (int i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
  }
  for (; at < bytes.size(); ++at) lanes[at % 4] = mix(lanes[at % 4], static_cast<unsigned char>(bytes[at]));
  uint64_t sum = bytes.size();
  for (const uint64_t lane : lanes) sum = mix(sum, lane);
  return sum;
}

}  // namespace

uint64_t checksum(std::string_view bytes, int threads) {
  std::vector<uint64_t> blocks((bytes.size() + kBlockBytes - 1) / kBlockBytes);
  const auto step = static_cast<size_t>(threads);
  const auto sum_up = [&](size_t first) {
    for (size_t i = first; i < blocks.size(); i += step)
      blocks[i] = mix_all(bytes.substr(i * kBlockBytes, kBlockBytes));
  };
  std::vector<std::jthread> others;
  for (size_t thread = 1; thread < step && thread < blocks.size(); ++thread) others.emplace_back(sum_up, thread);
  sum_up(0);
  others.clear();  // waits for them
  uint64_t sum = bytes.size();
  for (const uint64_t block : blocks) sum = mix(sum, block);
  return sum;
}

}  // namespace vivace
