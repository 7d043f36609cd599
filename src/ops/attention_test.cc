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

constexpr int kLongest = 15;  // distance in the sequences below

// Scores with everything that they may have besides q·k.
struct Scores {
  Scores(const KernelTable& kernels, DType dtype, Heads heads) {
    const auto count = static_cast<size_t>(heads.count);
    bias = random_floats(count * (2 * kLongest + 1 + kDistancePadding), 4);
    for (int distance = -kLongest - kDistancePadding; distance <= kLongest + kDistancePadding; ++distance) {
      index.push_back(std::clamp(distance, -3, 3) + 3);
    }
    const PanelLayout layout = panel_layout(kernels, dtype == DType::kBF16 ? Precision::kBf16 : Precision::kF32);
    for (size_t head = 0; head < count; ++head) {
      for (auto* tables : {&positions.keys, &positions.queries}) {
        PackedMatrix& table = tables->emplace_back(heads.dim, 7, layout);
        table.pack_rows(random_floats(static_cast<size_t>(7 * heads.dim), 5 + head).data(), 7, 0);
      }
    }
  }
  std::vector<float> bias;
  std::vector<int32_t> index;
  RelativePositionTables positions;
};

class HeadByHead {
 public:
  HeadByHead(const KernelTable& kernels, Precision precision, Heads heads)
      : m_kernels(kernels),
        m_width(heads.count * heads.dim),
        m_projection(make_projection(kernels, precision, m_width)),
        m_attention{
            .offsets = m_offsets, .heads = heads.count, .dtype = attention_dtype(kernels, m_projection.weight.dtype())},
        m_scores(kernels, m_attention.dtype, heads) {}

  SelfAttention plain() const { return m_attention; }
  SelfAttention with_bias_and_window() const {
    SelfAttention attention = m_attention;
    attention.window = 5;
    attention.longest_distance = kLongest;
    attention.distance_bias = m_scores.bias.data();
    return attention;
  }
  SelfAttention with_positions() const {
    SelfAttention attention = m_attention;
    attention.longest_distance = kLongest;
    attention.position_index = m_scores.index.data() + kLongest + kDistancePadding;
    attention.positions = &m_scores.positions;
    return attention;
  }

  std::vector<float> run(const SelfAttention& attention, int threads, bool is_prepared) const {
    const int tokens = m_offsets.back();
    const MatrixView<const float> x{m_values.data(), tokens, kInputs, kInputs};
    ThreadPool pool(threads);
    std::vector<Arena> arenas(static_cast<size_t>(threads));
    const ExecutionContext context{&m_kernels, &pool, arenas};
    const MatrixView<float> qkv = arenas[0].matrix(tokens, 3 * m_width);
    std::vector<float> out(static_cast<size_t>(tokens * m_width));
    const LinearInput input = is_prepared ? prepare_linear(context, x, m_projection) : LinearInput{.x = x};
    project_and_attend(context, input, m_projection, attention, qkv, {out.data(), tokens, m_width, m_width});
    return out;
  }

 private:
  const std::vector<int32_t> m_offsets = {0, 1, 14, 14, 30};
  const std::vector<float> m_values = random_floats(30 * kInputs, 3);
  const KernelTable& m_kernels;
  int m_width;
  Linear m_projection;
  SelfAttention m_attention;
  Scores m_scores;
};

TEST_P(AttentionTest, ProjectingHeadByHeadDoesNotChangeABit) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    // Several heads a panel, several panels a head, two heads in three panels, and 200 columns, which are no panels.
    for (const Heads heads : {Heads{12, 32}, Heads{4, 16}, Heads{4, 128}, Heads{5, 40}, Heads{6, 64}, Heads{12, 96}}) {
      const HeadByHead head_by_head(table(), precision, heads);
      for (const SelfAttention& attention :
           {head_by_head.plain(), head_by_head.with_bias_and_window(), head_by_head.with_positions()}) {
        const std::vector<float> alone = head_by_head.run(attention, 1, false);
        for (const int threads : {2, 3, 6}) {
          for (const bool is_prepared : {false, true}) {
            EXPECT_EQ(head_by_head.run(attention, threads, is_prepared), alone)
                << precision_name(precision) << ", " << heads.count << " heads of " << heads.dim << ", " << threads
                << " threads";
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace vivace
