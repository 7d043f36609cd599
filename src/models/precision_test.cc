// What holds for every architecture, table and precision: results near fp32's, the same bits in a batch and alone, the
// first token alone as with all the others, and no memory asked for, and no new page touched, by a warm pass.
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "kernels/registry.h"
#include "models/batch_forward.h"
#include "models/golden_testing.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VIVACE_COUNTS_ALLOCATIONS
namespace {
std::atomic<long> allocations{0};

// How often this process touched a page for the first time.
long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}
}  // namespace
// g++ sees malloc() behind the one and free() behind the other, and takes that for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif

namespace vivace {
namespace {

struct PrecisionCase {
  std::string directory;
  size_t table;
  Precision precision;
};

class PrecisionTest : public testing::TestWithParam<PrecisionCase> {
 protected:
  void SetUp() override {
    const KernelTableEntry& entry = kernel_tables()[GetParam().table];
    if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
    m_kernels = entry.table;
    const auto directory = ModelDirectory::open(golden_path(GetParam().directory));
    ASSERT_TRUE(directory.has_value()) << directory.error().message;
    auto loaded = load_encoder(*directory, {*m_kernels, GetParam().precision});
    auto exact = load_encoder(*directory, *m_kernels);
    ASSERT_TRUE(loaded.has_value() && exact.has_value());
    m_encoder = std::move(*loaded);
    m_exact = std::move(*exact);
    const auto reference = read_golden_reference(golden_path(GetParam().directory) + "/reference.safetensors");
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < reference.inputs(); ++i) m_batch.append(reference.ids(i), {});
    }
  }

  std::vector<float> forward(const Encoder& encoder, const PackedBatch& batch, int threads,
                             NeededTokens needed = NeededTokens::kAll) const {
    ThreadPool pool(threads);
    ForwardWorkspace workspace(threads);
    const auto hidden = forward_batch(encoder, *m_kernels, batch, pool, workspace, needed);
    return {hidden.data, hidden.data + static_cast<ptrdiff_t>(hidden.rows) * hidden.columns};
  }
  void expect_same_bits_however_shared(const Encoder& encoder) const {
    const auto alone = forward(encoder, m_batch, 1);
    const int width = encoder.info().hidden_size;
    for (const int fewest_rows : {1, 1'000'000}) {
      KernelTable kernels = *m_kernels;
      kernels.full_rows = fewest_rows;
      for (const int threads : {2, 3}) {
        ThreadPool pool(threads);
        ForwardWorkspace workspace(threads);
        std::vector<float> hidden(alone.size());
        encoder.forward(
            {.kernels = &kernels, .pool = &pool, .scratch = workspace.arenas(), .fewest_rows_of_a_thread = fewest_rows},
            {m_batch.ids, m_batch.positions, m_batch.type_ids, m_batch.offsets},
            {hidden.data(), m_batch.tokens(), width, width}, nullptr);
        EXPECT_EQ(hidden, alone) << threads << " threads, at least " << fewest_rows << " rows each";
      }
    }
  }
  size_t columns() const { return static_cast<size_t>(m_encoder->info().hidden_size); }

  const KernelTable* m_kernels = nullptr;
  std::unique_ptr<const Encoder> m_encoder;
  std::unique_ptr<const Encoder> m_exact;
  PackedBatch m_batch;
};

TEST_P(PrecisionTest, IsNearFp32) {
  const auto got = forward(*m_encoder, m_batch, 1);
  const auto expected = forward(*m_exact, m_batch, 1);
  EXPECT_GE(golden_cosine(got, expected), GetParam().precision == Precision::kInt8 ? 0.998 : 0.9998);
  if (GetParam().precision == Precision::kF32) {
    EXPECT_EQ(got, expected);
  } else {
    EXPECT_NE(got, expected) << "it was computed in fp32";
  }
}

TEST_P(PrecisionTest, ASequenceHasTheSameBitsAloneAndForAnyThreads) {
  const auto together = forward(*m_encoder, m_batch, 1);
  EXPECT_EQ(forward(*m_encoder, m_batch, 3), together);
  for (int i = 0; i < m_batch.sequences(); i += 2) {
    const auto begin = static_cast<ptrdiff_t>(m_batch.offsets[static_cast<size_t>(i)]);
    const auto end = static_cast<ptrdiff_t>(m_batch.offsets[static_cast<size_t>(i) + 1]);
    PackedBatch alone;
    alone.append({m_batch.ids.begin() + begin, m_batch.ids.begin() + end}, {});
    const auto got = forward(*m_encoder, alone, 2);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), together.begin() + begin * static_cast<ptrdiff_t>(columns())));
  }
}

// Whether each thread has some rows, and all weights, or all rows and some columns.
TEST_P(PrecisionTest, HowThreadsShareTheWorkDoesNotChangeABit) {
  expect_same_bits_however_shared(*m_encoder);
}

// A layer hands its rows on as the next one reads them, which may be in another precision.
class MixedPrecisionTest : public PrecisionTest {};

TEST_P(MixedPrecisionTest, HowThreadsShareTheWorkDoesNotChangeABit) {
  const auto directory = ModelDirectory::open(golden_path(GetParam().directory));
  const auto all_int8 = forward(*m_encoder, m_batch, 1);
  for (const char* part : {"encoder.layer.1", "encoder.layer.0.intermediate", "encoder.layer.1.attention"}) {
    LoadTarget target(*m_kernels, Precision::kInt8);
    for (const char* root : {"", "bert.", "roberta.", "mpnet.", "deberta."}) {
      target.kept_in_bf16.push_back(std::string(root) + part);
    }
    const auto mixed = load_encoder(*directory, target);
    ASSERT_TRUE(mixed.has_value()) << mixed.error().message;
    EXPECT_NE(forward(**mixed, m_batch, 1), all_int8) << part << " was not kept in bf16";
    expect_same_bits_however_shared(**mixed);
  }
}

TEST_P(PrecisionTest, FirstTokensAloneHaveTheSameBits) {
  const auto all = forward(*m_encoder, m_batch, 1);
  for (const int threads : {1, 3}) {
    const auto first = forward(*m_encoder, m_batch, threads, NeededTokens::kFirst);
    for (int i = 0; i < m_batch.sequences(); ++i) {
      const size_t at = static_cast<size_t>(m_batch.offsets[static_cast<size_t>(i)]) * columns();
      EXPECT_TRUE(std::equal(first.begin() + static_cast<ptrdiff_t>(at),
                             first.begin() + static_cast<ptrdiff_t>(at + columns()),
                             all.begin() + static_cast<ptrdiff_t>(at)));
    }
  }
}

TEST_P(PrecisionTest, AWarmPassAsksForNoMemory) {
#ifdef VIVACE_COUNTS_ALLOCATIONS
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    ForwardWorkspace workspace(threads);
    // Groups go to whichever thread is free, so each thread's arena may meet its largest one late.
    for (int pass = 0; pass < 20; ++pass) forward_batch(*m_encoder, *m_kernels, m_batch, pool, workspace);
    long fewest = 1;
    long fewest_faults = 1;
    for (int pass = 0; pass < 20 && fewest + fewest_faults > 0; ++pass) {
      const size_t capacity = workspace.capacity_bytes();
      const long faults = page_faults();
      const long before = allocations;
      forward_batch(*m_encoder, *m_kernels, m_batch, pool, workspace);
      fewest = std::min(fewest, allocations - before);
      fewest_faults = std::min(fewest_faults, page_faults() - faults);
      if (threads == 1) {
        EXPECT_EQ(workspace.capacity_bytes(), capacity);
      }
    }
    EXPECT_EQ(fewest, 0) << threads << " threads";
    EXPECT_EQ(fewest_faults, 0) << threads << " threads";
  }
#else
  GTEST_SKIP() << "the sanitizers count for themselves";
#endif
}

std::vector<PrecisionCase> cases_of(std::initializer_list<const char*> directories,
                                    std::initializer_list<Precision> precisions) {
  std::vector<PrecisionCase> cases;
  for (const char* directory : directories) {
    for (size_t table = 0; table < kernel_tables().size(); ++table) {
      for (const Precision precision : precisions) cases.push_back({directory, table, precision});
    }
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<PrecisionCase>& info) {
  std::string name = info.param.directory + "_" + kernel_tables()[info.param.table].table->name + "_" +
                     std::string(precision_name(info.param.precision));
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, PrecisionTest,
                         testing::ValuesIn(cases_of({"tiny-bert", "distilbert", "roberta", "mpnet", "deberta-v3",
                                                     "deberta-p2c", "modernbert"},
                                                    {Precision::kF32, Precision::kBf16, Precision::kInt8})),
                         case_name);
// Those whose layers have the names that the test keeps in bf16.
INSTANTIATE_TEST_SUITE_P(Models, MixedPrecisionTest,
                         testing::ValuesIn(cases_of({"tiny-bert", "roberta", "mpnet", "deberta-v3", "deberta-p2c"},
                                                    {Precision::kInt8})),
                         case_name);

}  // namespace
}  // namespace vivace
