#include "apps/impact/registry_backend.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/load_identity.h"

namespace vivace {
namespace {

// Why a model that is loaded is not this backend's; empty: it is.
std::string refuse_computing(const ModelInfo& info, ComputedBy wanted) {
  if (wanted == ComputedBy::kKernels && info.is_onnx) return info.fallback;
  if (wanted == ComputedBy::kOnnxFile && !info.is_onnx) return "the model's weights compute, not its ONNX file";
  return {};
}

Result<std::shared_ptr<Engine>> find_model(ModelRegistry& registry, const RegistryBackendOptions& options) {
  if (!options.refusal.message.empty()) return std::unexpected(options.refusal);
  for (const std::string& name : options.models) {
    auto engine = registry.find(name);
    if (!engine && engine.error().code == StatusCode::kNotFound) continue;
    if (!engine) return engine;
    const std::string why_not = refuse_computing((*engine)->info(), options.computed_by);
    return why_not.empty() ? engine : error(StatusCode::kUnavailable, why_not);
  }
  return error(StatusCode::kUnavailable, fmt::format("no model named {} is served", fmt::join(options.models, " or ")));
}

// The text that one limit of time is for. A limit for all texts of a call would let long batches fall back to keywords
// where the same messages, sent one by one, would not.
constexpr size_t kChunkBytes = size_t{16} << 10;

RequestLimits within(RequestLimits limits, double seconds) {
  const auto own = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                          std::chrono::duration<double>(seconds));
  limits.deadline = std::min(limits.deadline.value_or(own), own);
  return limits;
}

// The texts from `begin` on that share one limit: at least one.
size_t chunk_end(const std::vector<std::string>& texts, size_t begin) {
  size_t end = begin + 1;
  for (size_t bytes = texts[begin].size(); end < texts.size(); ++end) {
    bytes += texts[end].size();
    if (bytes > kChunkBytes) break;
  }
  return end;
}

Result<std::vector<EmbeddedText>> embed_in_chunks(const EmbedTexts& embed, const std::vector<std::string>& texts,
                                                  const RequestLimits& limits, double seconds) {
  std::vector<EmbeddedText> embedded;
  embedded.reserve(texts.size());
  for (size_t begin = 0; begin < texts.size();) {
    const size_t end = chunk_end(texts, begin);
    const std::vector<std::string> chunk(texts.begin() + static_cast<std::ptrdiff_t>(begin),
                                         texts.begin() + static_cast<std::ptrdiff_t>(end));
    ASSIGN_OR_RETURN(std::vector<EmbeddedText> part, embed(chunk, within(limits, seconds)));
    std::ranges::move(part, std::back_inserter(embedded));
    begin = end;
  }
  return embedded;
}

}  // namespace

SemanticBackend registry_backend(ModelRegistry& registry, RegistryBackendOptions options) {
  const auto shared = std::make_shared<const RegistryBackendOptions>(std::move(options));
  SemanticBackend backend;
  backend.name = shared->name;
  backend.gates = shared->gates;
  backend.cache_bytes = shared->cache_bytes;
  backend.embed = [&registry, shared](const std::vector<std::string>& texts,
                                      const RequestLimits& limits) -> Result<std::vector<EmbeddedText>> {
    ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, find_model(registry, *shared));
    return embed_in_chunks(embed_with(std::move(engine)), texts, limits, shared->seconds);
  };
  backend.model_id = [&registry, shared]() -> Result<std::string> {
    ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, find_model(registry, *shared));
    return load_identity(*engine);
  };
  return backend;
}

std::string first_served(const ModelRegistry& registry, const std::vector<std::string>& models) {
  for (const std::string& name : models) {
    if (const auto model = registry.snapshot(name)) return model->spec.name;
  }
  return {};
}

}  // namespace vivace
