#include "cli/model_lookup.h"

#include <algorithm>
#include <filesystem>

#include "base/mapped_file.h"
#include "cli/environment.h"
#include "formats/unpacked_folder.h"

namespace vivace {
namespace {

namespace fs = std::filesystem;

bool is_model_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / "config.json", ignored);
}

// Sub-folders by name, so that listings do not depend on the file system; empty when path is no readable folder.
std::vector<fs::path> sorted_folders(const fs::path& path) {
  std::vector<fs::path> folders;
  std::error_code failed;
  for (fs::directory_iterator entry(path, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) folders.push_back(entry->path());
  }
  std::ranges::sort(folders);
  return folders;
}

void list_plain_folder(const std::string& root, ModelSource source, std::vector<FoundModel>* found) {
  if (root.empty()) return;
  for (const fs::path& first : sorted_folders(root)) {
    // A pull that has not finished keeps its files in a folder of this ending.
    if (first.extension() == ".partial") continue;
    const std::string name = first.filename().string();
    if (is_model_directory(first)) {
      found->push_back({name, first.string(), source});
      continue;
    }
    for (const fs::path& second : sorted_folders(first)) {
      if (second.extension() == ".partial" || !is_model_directory(second)) continue;
      found->push_back({name + "/" + second.filename().string(), second.string(), source});
    }
  }
}

// The commit that refs/main names, else the snapshot written last.
fs::path choose_snapshot(const fs::path& repository) {
  const auto main_commit = read_text_file((repository / "refs" / "main").string(), 256);
  if (main_commit) {
    std::string commit = *main_commit;
    while (!commit.empty() && (commit.back() == '\n' || commit.back() == ' ')) commit.pop_back();
    const fs::path snapshot = repository / "snapshots" / commit;
    if (!commit.empty() && commit.find('/') == std::string::npos && is_model_directory(snapshot)) return snapshot;
  }
  fs::path newest;
  fs::file_time_type newest_time = fs::file_time_type::min();
  for (const fs::path& snapshot : sorted_folders(repository / "snapshots")) {
    std::error_code failed;
    const auto time = fs::last_write_time(snapshot, failed);
    if (failed || !is_model_directory(snapshot) || time < newest_time) continue;
    newest = snapshot;
    newest_time = time;
  }
  return newest;
}

void list_hugging_face_cache(const std::string& root, std::vector<FoundModel>* found) {
  constexpr std::string_view kPrefix = "models--";
  if (root.empty()) return;
  for (const fs::path& repository : sorted_folders(root)) {
    std::string name = repository.filename().string();
    if (!name.starts_with(kPrefix)) continue;
    name.erase(0, kPrefix.size());
    if (const size_t separator = name.find("--"); separator != std::string::npos) name.replace(separator, 2, "/");
    const fs::path snapshot = choose_snapshot(repository);
    if (!snapshot.empty()) found->push_back({name, snapshot.string(), ModelSource::kHuggingFaceCache});
  }
}

bool name_fits(std::string_view name, std::string_view asked) {
  return name == asked || (asked.find('/') == std::string_view::npos && name.size() > asked.size() &&
                           name.ends_with(asked) && name[name.size() - asked.size() - 1] == '/');
}

// The first place that has the name decides; an exact name wins there over one that fits by its last part.
Result<FoundModel> choose(const std::string& asked, const std::vector<FoundModel>& candidates) {
  std::vector<FoundModel> fitting;
  for (const FoundModel& candidate : candidates) {
    if (!fitting.empty() && fitting.front().source != candidate.source) break;
    if (candidate.name == asked) return candidate;
    if (name_fits(candidate.name, asked)) fitting.push_back(candidate);
  }
  if (fitting.empty()) return error(StatusCode::kNotFound, "no model of that name");
  if (fitting.size() == 1) return fitting.front();
  std::string names;
  for (const FoundModel& model : fitting) names += (names.empty() ? "" : ", ") + model.name;
  return error(StatusCode::kInvalidArgument,
               "model '" + asked + "' fits " + names + "; write the one you mean in full");
}

}  // namespace

ModelPlaces default_model_places() {
  return {.configured = {},
          .own_cache = own_models_folder(),
          .hugging_face_cache = hugging_face_cache_folder(),
          .models_folder = "models"};
}

std::string_view model_source_name(ModelSource source) {
  switch (source) {
    case ModelSource::kDirectory: return "directory";
    case ModelSource::kConfiguration: return "configuration";
    case ModelSource::kOwnCache: return "vivace cache";
    case ModelSource::kHuggingFaceCache: return "hugging face cache";
    case ModelSource::kModelsFolder: return "models folder";
  }
  return "?";
}

std::vector<FoundModel> list_models(const ModelPlaces& places) {
  std::vector<FoundModel> found;
  found.reserve(places.configured.size());
  for (const auto& [name, directory] : places.configured) {
    found.push_back({name, directory, ModelSource::kConfiguration});
  }
  list_plain_folder(places.own_cache, ModelSource::kOwnCache, &found);
  list_hugging_face_cache(places.hugging_face_cache, &found);
  list_plain_folder(places.models_folder, ModelSource::kModelsFolder, &found);
  return found;
}

Result<FoundModel> find_model(const std::string& name_or_directory, const ModelPlaces& places) {
  if (name_or_directory.empty())
    return error(StatusCode::kInvalidArgument, "--model is empty; give a name or a folder");
  if (is_model_directory(name_or_directory)) {
    fs::path path = fs::path(name_or_directory).lexically_normal();
    if (path.filename().empty()) path = path.parent_path();
    return FoundModel{path.filename().string(), path.string(), ModelSource::kDirectory};
  }
  if (is_packed_file(name_or_directory)) {
    const fs::path path = fs::path(name_or_directory).lexically_normal();
    return FoundModel{path.stem().string(), path.string(), ModelSource::kDirectory};
  }
  auto chosen = choose(name_or_directory, list_models(places));
  if (chosen || chosen.error().code != StatusCode::kNotFound) return chosen;
  std::error_code ignored;
  if (fs::is_directory(name_or_directory, ignored)) {
    return error(StatusCode::kNotFound, "'" + name_or_directory + "' is a folder without config.json, so no model");
  }
  const std::string remedy = name_or_directory == kDefaultModel
                                 ? "run `make model` or `vivace pull sentence-transformers/all-MiniLM-L6-v2`"
                                 : "give a model folder, or fetch it with `vivace pull OWNER/NAME`";
  return error(StatusCode::kNotFound, "model '" + name_or_directory + "' is neither a folder nor in " +
                                          places.own_cache + ", " + places.hugging_face_cache + " or " +
                                          places.models_folder + "; " + remedy);
}

}  // namespace vivace
