#include "cli/model_profile.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/process_memory.h"
#include "cli/model_bench.h"
#include "cli/text_request.h"
#include "engine/sample_texts.h"

namespace vivace {
namespace {

constexpr size_t kMostZones = 30;
constexpr int kTracedCalls = 50;
constexpr double kMachineSeconds = 0.5;

double megabytes(uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

class Profiling {
 public:
  Profiling(const ProfileOptions& options, Engine& engine) : m_options(options), m_engine(engine) {}

  Result<void> stages(ModelProfile* profile);
  Result<void> throughput(ModelProfile* profile);
  Result<void> batches(ModelProfile* profile);
  Result<void> zones(ModelProfile* profile);
  int usual_tokens() const { return m_usual_tokens; }

 private:
  const std::string& text(int call) const {
    return m_options.texts[static_cast<size_t>(call) % m_options.texts.size()];
  }
  Result<ResponseTimes> ask(int call) { return answer_texts(m_engine, {text(call)}); }

  const ProfileOptions& m_options;
  Engine& m_engine;
  int m_usual_tokens = 1;
};

Result<void> Profiling::stages(ModelProfile* profile) {
  StageSamples tokenization;
  StageSamples inference;
  StageSamples end_to_end;
  std::vector<int> lengths;
  const EncodeOptions encode{.max_tokens = static_cast<size_t>(profile->model.max_tokens)};
  TokenSequence tokens;
  for (int i = 0; i < m_options.samples; ++i) {
    const StageTimer tokenizing;
    RETURN_IF_ERROR(m_engine.tokenizer().encode(text(i), encode, &tokens));
    tokenizing.add_to(&tokenization);
    lengths.push_back(static_cast<int>(tokens.ids.size()));
    const StageTimer answering;
    ASSIGN_OR_RETURN(const ResponseTimes times, ask(i));
    inference.add(times.compute_ms, answering.cpu_percent(), megabytes(resident_bytes()));
    answering.add_to(&end_to_end);
  }
  std::ranges::sort(lengths);
  m_usual_tokens = std::max(1, lengths[lengths.size() / 2]);
  profile->tokenization = tokenization.summarize("tokenization");
  profile->inference = inference.summarize("inference");
  profile->end_to_end = end_to_end.summarize("end_to_end");
  profile->sequential_per_s = 1e3 / profile->end_to_end.mean_ms;
  return {};
}

Result<void> Profiling::throughput(ModelProfile* profile) {
  std::atomic<int> next = 0;
  std::atomic<bool> failed = false;
  const StageTimer timer;
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < m_options.concurrency; ++caller) {
      callers.emplace_back([&] {
        for (int i = next++; i < m_options.samples; i = next++) {
          if (!ask(i)) failed = true;
        }
      });
    }
  }
  if (failed) return error(StatusCode::kInternal, "a request failed when several came at once");
  profile->concurrent_per_s = m_options.samples / timer.elapsed_ms() * 1e3;
  return {};
}

Result<void> Profiling::batches(ModelProfile* profile) {
  for (const int size : m_options.batch_sizes) {
    const std::vector<std::string> texts = different_texts(m_options.texts, static_cast<size_t>(size));
    BatchScaling row;
    row.batch_size = size;
    ASSIGN_OR_RETURN(row.times, time_runs(m_options.batch_seconds, [&]() -> Result<void> {
                       RETURN_IF_ERROR(answer_texts(m_engine, texts));
                       return {};
                     }));
    row.texts_per_s = size / row.times.p50_ms * 1e3;
    profile->batches.push_back(row);
  }
  return {};
}

Result<void> Profiling::zones(ModelProfile* profile) {
  start_trace();
  Result<void> done;
  for (int i = 0; i < std::min(kTracedCalls, m_options.samples) && done; ++i) {
    if (auto answer = ask(i); !answer) done = std::unexpected(std::move(answer).error());
  }
  const Trace trace = stop_trace();
  RETURN_IF_ERROR(done);
  profile->zones = summarize_zones(trace);
  if (profile->zones.size() > kMostZones) profile->zones.resize(kMostZones);
  return {};
}

}  // namespace

int ModelProfile::best_batch_size() const {
  return std::ranges::max_element(batches, {}, &BatchScaling::texts_per_s)->batch_size;
}

Result<ModelProfile> profile_model(const ProfileOptions& options) {
  ModelProfile profile;
  profile.before_load_mb = megabytes(resident_bytes());
  int usual_tokens = 1;
  {
    const StageTimer loading;
    ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::load(options.directory, options.engine));
    RETURN_IF_ERROR(engine->warm_up());
    profile.load_ms = loading.elapsed_ms();
    profile.after_load_mb = megabytes(resident_bytes());
    profile.model = engine->info();
    Profiling profiling(options, *engine);
    RETURN_IF_ERROR(profiling.stages(&profile));
    RETURN_IF_ERROR(profiling.throughput(&profile));
    RETURN_IF_ERROR(profiling.batches(&profile));
    RETURN_IF_ERROR(profiling.zones(&profile));
    usual_tokens = profiling.usual_tokens();
    profile.peak_mb = megabytes(peak_resident_bytes());
  }
  ASSIGN_OR_RETURN(const ModelBenchResult machine, bench_model({.directory = options.directory,
                                                                .isa = options.engine.isa,
                                                                .precision = options.engine.precision,
                                                                .threads = options.engine.threads,
                                                                .lengths = {usual_tokens},
                                                                .generate = 0,
                                                                .seconds = kMachineSeconds,
                                                                .trace_file = ""}));
  profile.arithmetic_share = machine.arithmetic_ms / machine.times.p50_ms;
  profile.memory_share = machine.reading_ms / machine.times.p50_ms;
  return profile;
}

}  // namespace vivace
