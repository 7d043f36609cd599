// `vivace pull`: fetches a model from a Hugging Face hub into Vivace's cache.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "base/mapped_file.h"
#include "cli/environment.h"
#include "cli/hub.h"
#include "cli/verbs.h"
#include "formats/model_directory.h"

namespace vivace {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace pull sentence-transformers/all-MiniLM-L6-v2\n"
    "  vivace pull all-MiniLM-L6-v2 --output models/all-MiniLM-L6-v2\n"
    "  HF_ENDPOINT=https://hub.example.org HF_TOKEN=hf_… vivace pull my-team/my-model --revision v2\n\n"
    "An interrupted pull continues when it is run again. Checksums named by the hub are checked.";

struct PullOptions {
  std::string name;
  std::string revision = "main";
  std::string output;
  std::string endpoint;
};

// Two pulls of one model would write into the same files: the second is refused.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::string& path) {
    FolderLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (lock.m_descriptor < 0) return error(StatusCode::kInternal, "cannot write " + path);
    if (flock(lock.m_descriptor, LOCK_EX | LOCK_NB) != 0) {
      return error(StatusCode::kUnavailable, "another `vivace pull` of this model is running");
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : m_descriptor(std::exchange(other.m_descriptor, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (m_descriptor >= 0) close(m_descriptor);
  }

 private:
  explicit FolderLock(int descriptor) : m_descriptor(descriptor) {}
  int m_descriptor;
};

// Which repository and commit a folder's files came from.
constexpr char kOriginFile[] = ".vivace-origin";

// The bytes of each of them.
constexpr char kSizesFile[] = ".vivace-sizes";
constexpr size_t kMaxSizesBytes = size_t{1} << 20;

std::string size_line(uintmax_t size, const std::string& file) {
  return fmt::format("{} {}\n", size, file);
}

std::string read_origin(const fs::path& folder) {
  return read_text_file((folder / kOriginFile).string(), 4096).value_or("");
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return error(StatusCode::kInternal, "cannot make " + folder.string() + ": " + failed.message());
  return {};
}

// A folder of files from the given origin, empty when what was there is from another one.
Result<void> prepare_partial(const fs::path& partial, const std::string& origin) {
  std::error_code failed;
  if (read_origin(partial) != origin) fs::remove_all(partial, failed);
  RETURN_IF_ERROR(make_folder(partial));
  std::ofstream file(partial / kOriginFile);
  file << origin;
  file.close();
  return file ? Result<void>() : error(StatusCode::kInternal, "cannot write in " + partial.string());
}

// Puts the complete folder in the place of an older one, if any.
Result<void> move_into_place(const fs::path& partial, const fs::path& target) {
  const fs::path old = target.string() + ".old";
  std::error_code failed;
  fs::remove_all(old, failed);
  if (fs::exists(target, failed)) fs::rename(target, old, failed);
  if (!failed) fs::rename(partial, target, failed);
  if (failed)
    return error(StatusCode::kInternal, "cannot move the model to " + target.string() + ": " + failed.message());
  fs::remove_all(old, failed);
  return {};
}

// A name without owner means sentence-transformers' models first, as in that library, then one of that very name.
Result<HubModel> find_with_owner(const Hub& hub, const std::string& name, const std::string& revision) {
  if (name.find('/') != std::string::npos) return find_hub_model(hub, name, revision);
  auto found = find_hub_model(hub, "sentence-transformers/" + name, revision);
  if (found || found.error().code != StatusCode::kNotFound) return found;
  return find_hub_model(hub, name, revision);
}

Hub hub_of(const PullOptions& options) {
  Hub hub;
  hub.endpoint = !options.endpoint.empty() ? options.endpoint
                                           : environment_variable("HF_ENDPOINT").value_or("https://huggingface.co");
  while (hub.endpoint.ends_with('/')) hub.endpoint.pop_back();
  hub.token = environment_variable("HF_TOKEN").value_or("");
  return hub;
}

// Whether nothing of it was removed since, or lost its end. (What has other bytes is found when it is loaded.)
bool is_complete(const fs::path& target, const std::vector<std::string>& files) {
  const std::string sizes = read_text_file((target / kSizesFile).string(), kMaxSizesBytes).value_or("");
  return std::ranges::all_of(files, [&](const std::string& file) {
    std::error_code failed;
    const auto size = fs::file_size(target / file, failed);
    if (failed || sizes.empty()) return !failed;  // older folders have no sizes
    return ("\n" + sizes).find("\n" + size_line(size, file)) != std::string::npos;
  });
}

Result<void> write_sizes(const fs::path& folder, const std::vector<std::string>& files) {
  std::ofstream out(folder / kSizesFile);
  for (const std::string& file : files) {
    std::error_code ignored;
    out << size_line(fs::file_size(folder / file, ignored), file);
  }
  out.close();
  return out ? Result<void>() : error(StatusCode::kInternal, "cannot write in " + folder.string());
}

Result<void> fetch_all(const Hub& hub, const HubModel& model, const std::vector<std::string>& files,
                       const fs::path& partial) {
  for (const std::string& file : files) {
    const fs::path path = partial / file;
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) continue;  // complete: only then does it have this name
    RETURN_IF_ERROR(make_folder(path.parent_path()));
    RETURN_IF_ERROR(fetch_file(hub, model, file, path.string()));
  }
  return {};
}

Status explain_unreachable(Status status) {
  if (status.code == StatusCode::kUnavailable && status.message.starts_with("cannot reach")) {
    status.message +=
        "; without network, copy a model folder here and name it with --model DIR, or set HF_ENDPOINT to a mirror";
  }
  return status;
}

Result<void> pull(const PullOptions& options, const Hub& hub) {
  RETURN_IF_ERROR(check_model_id(options.name));
  ASSIGN_OR_RETURN(const HubModel model, find_with_owner(hub, options.name, options.revision));
  const fs::path target = options.output.empty() ? fs::path(own_models_folder()) / model.id
                                                 : fs::absolute(options.output).lexically_normal();
  const std::string origin = hub.endpoint + " " + model.id + " " + model.commit + "\n";
  ASSIGN_OR_RETURN(const std::vector<std::string> files, files_to_fetch(model));
  if (read_origin(target) == origin && is_complete(target, files)) {
    fmt::print("{} is up to date: {}\n", model.id, target.string());
    return {};
  }
  std::error_code ignored;
  if (!options.output.empty() && fs::exists(target, ignored) && read_origin(target).empty()) {
    return error(StatusCode::kInvalidArgument,
                 "--output " + options.output + " exists and is not from `vivace pull`; remove it first");
  }
  RETURN_IF_ERROR(make_folder(target.parent_path()));
  const fs::path partial = target.string() + ".partial";
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::take(target.string() + ".lock"));
  RETURN_IF_ERROR(prepare_partial(partial, origin));
  RETURN_IF_ERROR(fetch_all(hub, model, files, partial));
  RETURN_IF_ERROR(write_sizes(partial, files));
  RETURN_IF_ERROR(move_into_place(partial, target));
  fs::remove(target.string() + ".lock", ignored);
  fmt::print("{} is ready: {}\n", model.id, target.string());
  if (const auto opened = ModelDirectory::open(target.string()); !opened) {
    fmt::print(stderr, "vivace: fetched, but this release cannot run it: {}\n", opened.error().message);
  }
  return {};
}

Result<void> run_pull(const PullOptions& options) {
  auto done = pull(options, hub_of(options));
  if (!done) return std::unexpected(explain_unreachable(done.error()));
  return {};
}

}  // namespace

void add_pull_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("pull", "Fetch a model from a Hugging Face hub");
  auto options = std::make_shared<PullOptions>();
  verb->add_option("NAME", options->name, "OWNER/NAME; without owner: sentence-transformers/NAME, else NAME")
      ->required();
  verb->add_option("--revision", options->revision, "Branch, tag or commit")->capture_default_str();
  verb->add_option("--output,-o", options->output, "Folder to put the model in (default: Vivace's cache)");
  verb->add_option("--endpoint", options->endpoint,
                   "Address of the hub (default: $HF_ENDPOINT, else https://huggingface.co)");
  verb->footer(kExamples);
  verb->callback([options, action] { *action = [options] { return run_pull(*options); }; });
}

}  // namespace vivace
