// Where a loader puts what it makes of a checkpoint.
#include "models/weight_loading.h"

#include <gtest/gtest.h>

#include "kernels/registry.h"

namespace vivace {
namespace {

TEST(LayerLoader, PutsTheLayersSideBySide) {
  if (!kMapsMemory) GTEST_SKIP() << "AddressSanitizer wants each buffer by itself";
  constexpr int kHidden = 72;
  constexpr int kIntermediate = 100;
  const std::string directory = VIVACE_SOURCE_DIR "/tests/golden/tiny-bert";
  const auto files = WeightFiles::open(directory);
  ASSERT_TRUE(files.has_value());
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    WeightLoader weights(*files);
    LayerLoader load(weights, LoadTarget(*select_kernel_table("").value(), precision), kHidden);
    const WeightScope layer = weights.root("bert").scope("encoder.layer.0");
    const Linear up = load.linear(layer, {"intermediate.dense"}, kHidden, kIntermediate);
    const Linear down = load.linear(layer, {"output.dense"}, kIntermediate, kHidden);
    ASSERT_EQ(up.weight.n(), kIntermediate);
    ASSERT_EQ(down.weight.n(), kHidden);
    const size_t bytes = PackedMatrix::data_bytes(kHidden, kIntermediate, up.weight.layout());
    EXPECT_EQ(down.weight.panel_data(0) - up.weight.panel_data(0), static_cast<ptrdiff_t>((bytes + 63) / 64 * 64));
  }
}

}  // namespace
}  // namespace vivace
