#include <filesystem>
#include <optional>

#include "base/log.h"
#include "formats/unpacked_folder.h"
#include "models/encoder_decoder.h"
#include "models/load_target.h"
#include "ops/linear.h"

namespace vivace {
namespace {

Result<void> check_fits(const PackedFile& packed, const LoadTarget& target) {
  const PackedFileInfo& info = packed.info();
  if (info.table != target.kernels.name) {
    return error(StatusCode::kUnsupported, packed.path() + ": was packed for the kernels '" + info.table +
                                               "', this run uses '" + target.kernels.name +
                                               "'; pack the model again here, or choose with --isa");
  }
  if (info.precision == target.precision) return {};
  return error(StatusCode::kUnsupported, packed.path() + ": was packed in " +
                                             std::string(precision_name(info.precision)) + ", not in " +
                                             std::string(precision_name(target.precision)));
}

void use(std::shared_ptr<const PackedFile> packed, LoadTarget* target) {
  target->kept_in_bf16 = packed->info().kept_in_bf16;
  target->packed = std::move(packed);
}

std::string packed_path(const ModelDirectory& directory, const LoadTarget& target) {
  return directory.path() + "/" + packed_file_name(target.kernels.name, target.precision);
}

// The precision of the packed file that is there for these kernels. Who does not ask for a precision but quantised the
// model wants that one.
std::optional<Precision> precision_beside(const ModelDirectory& directory, const LoadTarget& target, Precision asked) {
  std::vector<Precision> candidates = {target.precision};
  if (asked == Precision::kAuto) candidates = {Precision::kInt8, Precision::kInt4, Precision::kBf16, Precision::kF32};
  for (const Precision candidate : candidates) {
    std::error_code ignored;
    if (std::filesystem::exists(packed_path(directory, {target.kernels, candidate}), ignored)) return candidate;
  }
  return std::nullopt;
}

// The packed file beside the checkpoint, if it fits.
Result<std::shared_ptr<const PackedFile>> open_beside(const ModelDirectory& directory, const std::string& path,
                                                      const LoadTarget& target) {
  ASSIGN_OR_RETURN(std::shared_ptr<const PackedFile> packed, PackedFile::open(path));
  RETURN_IF_ERROR(check_fits(*packed, target));
  RETURN_IF_ERROR(packed->verify());
  const std::string source = fingerprint(directory.path());
  if (!source.empty() && source != packed->info().source) {
    return error(StatusCode::kCorruptFile, path + ": was packed from other weights than stand beside it");
  }
  return packed;
}

}  // namespace

Precision layer_precision(const ModelDirectory& directory, const KernelTable& kernels, Precision asked) {
  const Precision precision = resolve_precision(kernels, asked);
  return precision == Precision::kInt4 && !writes_text(directory) ? Precision::kInt8 : precision;
}

Result<TargetChoice> consider_targets(const ModelDirectory& directory, const KernelTable& kernels,
                                      Precision precision) {
  LoadTarget target(kernels, layer_precision(directory, kernels, precision));
  if (directory.packed() != nullptr) {
    if (precision == Precision::kAuto) target.precision = directory.packed()->info().precision;
    RETURN_IF_ERROR(check_fits(*directory.packed(), target));
    use(directory.packed(), &target);
    return TargetChoice{.target = target};
  }
  const std::optional<Precision> beside = precision_beside(directory, target, precision);
  if (!beside) return TargetChoice{.target = target};
  LoadTarget ready(kernels, *beside);
  const std::string path = packed_path(directory, ready);
  auto packed = open_beside(directory, path, ready);
  if (!packed) {
    return TargetChoice{.target = target,
                        .passed_over = "reading the checkpoint instead of its packed file: " + packed.error().message};
  }
  use(std::move(*packed), &ready);
  return TargetChoice{.target = ready,
                      .found = "found " + path + " beside the checkpoint: computing in " +
                               std::string(precision_name(ready.precision)) + " from it"};
}

Result<LoadTarget> choose_target(const ModelDirectory& directory, const KernelTable& kernels, Precision precision) {
  ASSIGN_OR_RETURN(TargetChoice choice, consider_targets(directory, kernels, precision));
  if (!choice.found.empty()) log_info("{}", choice.found);
  if (!choice.passed_over.empty()) log_warning("{}", choice.passed_over);
  return std::move(choice.target);
}

}  // namespace vivace
