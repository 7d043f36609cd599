// Attention has the same bits whether threads project some heads each and go on with them, or wait for all of them.
#include "ops/attention.h"

#include <algorithm>
#include <vector>

#include "kernels/table_test_base.h"

namespace vivace {
namespace {

class AttentionTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(AttentionTest);

constexpr int kInputs = 70;

Linear make_projection(const KernelTable& kernels, Precision precision, int width) {
  const std::vector<int32_t> outliers =
      precision == Precision::kInt8 ? std::vector<int32_t>{3, 60} : std::vector<int32_t>{};
  const auto outputs = static_cast<size_t>(3 * width);
  Linear layer{PackedMatrix(kInputs, 3 * width, panel_layout(kernels, precision), outliers),
               AlignedBuffer<float>(outputs)};
  layer.weight.pack_rows(random_floats(kInputs * outputs, 1).data(), 3 * width, 0);
  std::ranges::copy(random_floats(outputs, 2), layer.bias.data());
  return layer;
}

struct Heads {
  int count;
  int dim;
};

TEST_P(AttentionTest, ProjectingHeadByHeadDoesNotChangeABit) {
  const std::vector<int32_t> offsets = {0, 1, 14, 14, 30};
  const int tokens = offsets.back();
  const auto values = random_floats(static_cast<size_t>(tokens * kInputs), 3);
  const MatrixView<const float> x{values.data(), tokens, kInputs, kInputs};
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    // Several heads a panel and several panels a head; 40 of a width of 200: none of both is whole in the other.
    for (const auto& [count, dim] : {Heads{12, 32}, Heads{4, 16}, Heads{4, 128}, Heads{5, 40}, Heads{6, 64}}) {
      const int width = count * dim;
      const Linear projection = make_projection(table(), precision, width);
      const SelfAttention attention{
          .offsets = offsets, .heads = count, .dtype = attention_dtype(table(), projection.weight.dtype())};
      const auto run = [&](int threads, bool is_prepared) {
        ThreadPool pool(threads);
        std::vector<Arena> arenas(static_cast<size_t>(threads));
        const ExecutionContext context{&table(), &pool, arenas};
        const MatrixView<float> qkv = arenas[0].matrix(tokens, 3 * width);
        std::vector<float> out(static_cast<size_t>(tokens * width));
        const LinearInput input = is_prepared ? prepare_linear(context, x, projection) : LinearInput{.x = x};
        project_and_attend(context, input, projection, attention, qkv, {out.data(), tokens, width, width});
        return out;
      };
      const std::vector<float> alone = run(1, false);
      for (const int threads : {2, 3, 6}) {
        for (const bool is_prepared : {false, true}) {
          EXPECT_EQ(run(threads, is_prepared), alone)
              << precision_name(precision) << ", " << count << " heads of " << dim << ", " << threads << " threads";
        }
      }
    }
  }
}

}  // namespace
}  // namespace vivace
