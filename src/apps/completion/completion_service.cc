#include "apps/completion/completion_service.h"

#include <utility>

#include <fmt/format.h>

#include "apps/completion/code_window.h"
#include "apps/completion/complexity.h"
#include "apps/completion/fallback.h"
#include "apps/completion/gap.h"
#include "base/utf8.h"

namespace vivace {
namespace {

// Sampled answers differ from time to time, and several of them are not one: only the likeliest is kept.
bool is_kept(const GenerateRequest& request) {
  return request.options.temperature == 0 && request.options.num_return_sequences == 1;
}

// Everything but model and code that changes an answer.
std::string cache_strategy(const CompletionRequest& request) {
  const GenerationOptions& options = request.generate.options;
  const bool refuses_long = request.generate.too_long == TooLong::kRefuse;
  std::string key =
      fmt::format("{}\n{} {} {} {} {} {} {} {}\n", prompt_strategy_name(request.strategy), options.max_new_tokens,
                  options.min_new_tokens, options.repetition_penalty, options.num_beams, options.length_penalty,
                  static_cast<int>(options.early_stopping), request.generate.stop_id.value_or(-1), refuses_long);
  // With their lengths, so that no two requests write the same.
  key += fmt::format("{} {}", request.suffix.size(), request.suffix);
  for (const std::string& stop : request.generate.stop) key += fmt::format("{} {}", stop.size(), stop);
  return key;
}

// Whether the model is to blame, rather than the request or a busy moment.
bool is_failure(const Status& problem) {
  return problem.code == StatusCode::kInternal || problem.code == StatusCode::kCorruptFile;
}

}  // namespace

struct CompletionService::Work {
  CompletionRequest request;
  Callback done;
  CompletionKey key;
  Completion completion;
  bool patient = false;  // its deadline is no shorter than the default one
  std::shared_ptr<Generator> generator;
  std::shared_ptr<CircuitBreaker> breaker;   // the model's; outlives the call
  std::optional<CircuitBreaker::Call> call;  // what it let through
};

std::string_view completion_origin_name(CompletionOrigin origin) {
  switch (origin) {
    case CompletionOrigin::kModel: return "model";
    case CompletionOrigin::kCache: return "cache";
    case CompletionOrigin::kCachePrefix: return "cache_prefix";
    case CompletionOrigin::kFallback: return "fallback";
  }
  return "unknown";
}

CompletionService::CompletionService(const CompletionModels& models, CompletionSettings settings)
    : m_models(models),
      m_settings(settings),
      m_cache(settings.cache_bytes / 4 * 3),
      m_fallback(settings.cache_bytes / 4) {}

// What another load of the model wrote is not what this one would.
std::string CompletionService::key_of(const std::string& model) const {
  return fmt::format("{}\n{}", model, m_models.load_of(model));
}

// The model, and why.
Result<void> CompletionService::choose(Work* work) const {
  const CompletionRequest& request = work->request;
  Completion& completion = work->completion;
  if (request.code.empty()) return error(StatusCode::kInvalidArgument, "the code is empty; send what to complete");
  if (find_invalid_utf8(request.code) != kValidUtf8 || find_invalid_utf8(request.suffix) != kValidUtf8) {
    return error(StatusCode::kInvalidArgument, "the code is not valid UTF-8");
  }
  completion.language = request.language.empty() ? detect_language(request.code) : request.language;
  // Before the cache is asked: what is wrong must not depend on what it holds.
  RETURN_IF_ERROR(check_generate_options(request.generate));
  // Not by the guess: a wrong one would leave the comments in.
  completion.complexity = analyze_complexity(request.code, request.language).score;
  const std::vector<CompletionModel> models = m_models.list();
  if (!request.model.empty()) {
    completion.model = request.model;
    completion.reason = "asked for by name";
  } else if (models.empty()) {
    return error(StatusCode::kUnavailable, "no completion model is served here; name one with --model completion=DIR",
                 kRetryAfterAPersonSeconds);
  } else {
    ASSIGN_OR_RETURN(ModelChoice choice, choose_model(completion.complexity, models, m_models.memory()));
    completion.model = std::move(choice.model);
    completion.reason = std::move(choice.reason);
  }
  work->key = {.strategy = cache_strategy(request), .model = key_of(completion.model), .code = request.code};
  return {};
}

Result<std::string> CompletionService::chosen_model(const CompletionRequest& request) const {
  Work work;
  work.request = request;
  RETURN_IF_ERROR(choose(&work));
  return std::move(work.completion.model);
}

void CompletionService::give(Work& work, CachedCompletion found) {
  if (work.request.generate.on_text && !found.text.empty()) work.request.generate.on_text(0, found.text);
  work.completion.code_cut = found.is_cut;
  work.completion.written.source_tokens = found.source_tokens;
  work.completion.written.texts = {{std::move(found.text), std::move(found.token_ids), found.finish_reason}};
  work.done(std::move(work.completion));
}

// A rest may begin inside of a token: its tokens are those that the tokenizer makes of it, where the model is loaded.
std::vector<int32_t> CompletionService::tokens_of_rest(const std::string& model, std::string_view text) const {
  const auto generator = m_models.find(model);
  TokenSequence tokens;
  if (!generator || !(*generator)->tokenizer().encode(text, {.special_tokens = SpecialTokens::kOmit}, &tokens))
    return {};
  return {tokens.ids.begin(), tokens.ids.end()};
}

bool CompletionService::answer_from_cache(Work& work) {
  if (!is_kept(work.request.generate)) return false;
  auto found = m_cache.find(work.key);
  if (!found) return false;
  work.completion.origin = found->is_remainder ? CompletionOrigin::kCachePrefix : CompletionOrigin::kCache;
  if (found->is_remainder) found->token_ids = tokens_of_rest(work.completion.model, found->text);
  give(work, std::move(*found));
  return true;
}

// Makes what the model reads: the prompt around as much of the code's end as fits.
Result<void> CompletionService::prepare(Work* work, const Generator& generator) const {
  const CompletionRequest& request = work->request;
  GenerateRequest& generate = work->request.generate;
  // First as if there were no code: how much room is left for it?
  generate.text = make_prompt("", request.strategy);
  if (!request.suffix.empty()) RETURN_IF_ERROR(ask_for_gap(generator, request.suffix, &generate));
  TokenSequence around;
  RETURN_IF_ERROR(generator.tokenizer().encode(generate.text, {}, &around));
  const auto most = static_cast<size_t>(generator.info().model.max_tokens);
  if (around.ids.size() >= most) {
    return error(StatusCode::kTooLarge, fmt::format("the suffix leaves no room for code in the model's {} tokens; "
                                                    "send less of it",
                                                    most));
  }
  ASSIGN_OR_RETURN(const std::string_view end,
                   end_within(request.code, most - around.ids.size(), generator.tokenizer()));
  work->completion.code_cut = end.size() < request.code.size();
  if (work->completion.code_cut && generate.too_long == TooLong::kRefuse) {
    return error(StatusCode::kTooLarge, fmt::format("the code is longer than the model's {} tokens", most));
  }
  generate.is_cut = work->completion.code_cut;
  generate.text = make_prompt(end, request.strategy);
  if (!request.suffix.empty()) RETURN_IF_ERROR(ask_for_gap(generator, request.suffix, &generate));
  return {};
}

void CompletionService::let_go() {
  std::vector<std::shared_ptr<const void>> kept;
  const std::scoped_lock lock(m_mutex);
  kept.swap(m_kept);
}

void CompletionService::complete(CompletionRequest request, Callback done) {
  let_go();
  const auto work = std::make_shared<Work>();
  work->request = std::move(request);
  work->done = std::move(done);
  if (auto chosen = choose(work.get()); !chosen) {
    work->done(std::unexpected(std::move(chosen).error()));
    return;
  }
  if (!answer_from_cache(*work)) ask(work);
}

void CompletionService::ask(const std::shared_ptr<Work>& work) {
  const auto now = Clock::now();
  auto breaker = m_models.breaker(work->completion.model);
  if (!breaker) return fall_back(*work, breaker.error());
  work->breaker = std::move(*breaker);
  auto begun = work->breaker->begin(now);
  if (!begun) return fall_back(*work, begun.error());
  work->call.emplace(std::move(*begun));
  const auto generator = m_models.find(work->completion.model);
  if (!generator) {
    if (is_failure(generator.error())) work->call->failed(now);
    fall_back(*work, generator.error());
    return;
  }
  work->key.model = key_of(work->completion.model);  // it may have been loaded since
  if (auto prepared = prepare(work.get(), **generator); !prepared) {
    work->done(std::unexpected(std::move(prepared).error()));
    return;
  }
  GenerateRequest& generate = work->request.generate;
  if (!generate.deadline && m_settings.deadline.count() > 0) generate.deadline = now + m_settings.deadline;
  work->patient = !generate.deadline || *generate.deadline >= now + m_settings.deadline;
  if (generate.hint.empty()) {
    generate.hint = m_fallback.text_after_beginning(fallback_key(work->request, work->completion.model, generate.stop));
  }
  work->generator = *generator;  // lives on while it answers
  (*generator)->submit(generate, [this, work](Result<GenerateResponse> response) {
    finish(*work, std::move(response));
  });
}

void CompletionService::finish(Work& work, Result<GenerateResponse> response) {
  const auto now = Clock::now();
  const Tokenizer& tokenizer = work.generator->tokenizer();  // until the answer is passed on
  work.completion.keep = std::move(work.generator);
  if (!response) {
    if (is_failure(response.error())) work.call->failed(now);
    fall_back(work, response.error());
    return;
  }
  const GeneratedText& first = response->texts.front();
  if (first.finish_reason == FinishReason::kDeadline && first.token_ids.empty()) {
    // Nothing at all within the usual time: the model hangs, or the machine is far too slow for it.
    if (work.patient) work.call->failed(now);
  } else if (first.finish_reason != FinishReason::kCancelled) {
    work.call->succeeded(now);
  }
  const bool is_complete = first.finish_reason == FinishReason::kStop || first.finish_reason == FinishReason::kLength;
  if (is_complete && is_kept(work.request.generate)) {
    const std::vector<std::string>& stop = work.request.generate.stop;
    CachedCompletion kept{.text = first.text,
                          .token_ids = first.token_ids,
                          .finish_reason = first.finish_reason,
                          .is_cut = work.completion.code_cut || response->truncated,
                          .source_tokens = response->source_tokens};
    m_cache.put(work.key, kept);
    kept.text_ends = text_ends_of(first, tokenizer, stop);
    m_fallback.put(fallback_key(work.request, work.completion.model, stop), std::move(kept));
  }
  work.completion.written = std::move(*response);
  work.done(std::move(work.completion));
}

std::optional<CachedCompletion> CompletionService::earlier_answer(const CompletionRequest& request,
                                                                  const std::string& model) {
  const GenerateRequest& generate = request.generate;
  auto found = m_fallback.find(fallback_key(request, model, generate.stop));
  if (!found && !generate.stop.empty()) found = m_fallback.find(fallback_key(request, model, {}));
  if (!found) return found;
  cut_to(generate, &*found);
  if (found->is_remainder) found->token_ids = tokens_of_rest(model, found->text);
  return found;
}

// An earlier answer for the code where the problem is not the request's own.
void CompletionService::fall_back(Work& work, const Status& problem) {
  const bool may = problem.code == StatusCode::kUnavailable || is_failure(problem);
  auto found = may ? earlier_answer(work.request, work.completion.model) : std::nullopt;
  if (!found) {
    {
      const std::scoped_lock lock(m_mutex);
      if (work.completion.keep != nullptr) m_kept.push_back(std::move(work.completion.keep));
    }
    work.done(std::unexpected(problem));
    return;
  }
  m_fallbacks.add();
  work.completion.origin = CompletionOrigin::kFallback;
  work.completion.degraded = problem.message;
  give(work, std::move(*found));
}

}  // namespace vivace
