#include <algorithm>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "formats/problem_list.h"
#include "formats/weights.h"

namespace vivace {
namespace {

bool is_floating_point(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

std::string quoted(std::string_view name) {
  return "'" + printable(name) + "'";
}

}  // namespace

WeightScope WeightScope::scope(std::string_view name) const {
  return WeightScope(m_loader, full_name(name));
}

std::string WeightScope::full_name(std::string_view name) const {
  return m_prefix.empty() ? std::string(name) : m_prefix + "." + std::string(name);
}

bool WeightScope::has(std::string_view name) const {
  return m_loader->m_files->tensors().contains(full_name(name));
}

TensorView WeightScope::tensor(std::string_view name, const Shape& shape) const {
  const std::string full = full_name(name);
  const auto& tensors = m_loader->m_files->tensors();
  const auto found = tensors.find(full);
  if (found == tensors.end()) {
    m_loader->note(quoted(full) + " is missing, expected with shape " + shape.to_string());
    return {};
  }
  m_loader->m_used.insert(full);
  const TensorView& view = found->second;
  if (view.shape != shape) {
    m_loader->note(quoted(full) + " has shape " + view.shape.to_string() + ", expected " + shape.to_string());
    return {};
  }
  if (!is_floating_point(view.dtype)) {
    m_loader->note(quoted(full) + " is " + std::string(dtype_name(view.dtype)) + ", expected F32, F16 or BF16");
    return {};
  }
  return view;
}

void WeightScope::report_not_finite(std::string_view name) const {
  m_loader->report_not_finite(full_name(name));
}

WeightScope WeightLoader::root(std::string_view optional_prefix) {
  if (!optional_prefix.empty()) m_optional_prefix = std::string(optional_prefix) + ".";
  const auto& tensors = m_files->tensors();
  const auto first = tensors.lower_bound(m_optional_prefix);
  const bool prefixed =
      !optional_prefix.empty() && first != tensors.end() && first->first.starts_with(m_optional_prefix);
  return WeightScope(this, prefixed ? std::string(optional_prefix) : std::string());
}

void WeightLoader::ignore(std::string_view name_begin) {
  m_ignored.emplace_back(name_begin);
}

void WeightLoader::note(std::string problem) {
  // A tensor that two layers share is asked for twice and told of once.
  if (std::ranges::find(m_problems, problem) == m_problems.end()) m_problems.push_back(std::move(problem));
}

void WeightLoader::report_not_finite(std::string_view name) {
  note(quoted(name) + " holds a value that is infinite or not a number");
}

Result<void> WeightLoader::finish() const {
  std::vector<std::string> problems = m_problems;
  for (const auto& [name, view] : m_files->tensors()) {
    const std::string_view full = name;
    const std::string_view bare = full.starts_with(m_optional_prefix) ? full.substr(m_optional_prefix.size()) : full;
    const auto is_ignored = [&](const std::string& begin) {
      return full.starts_with(begin) || bare.starts_with(begin);
    };
    if (m_used.contains(name) || std::ranges::any_of(m_ignored, is_ignored)) continue;
    problems.push_back(quoted(name) + " is in the checkpoint, but the model has no use for it");
  }
  if (problems.empty()) return {};
  return error(StatusCode::kCorruptFile, "the weights do not fit the model: " + list_problems(problems));
}

}  // namespace vivace
