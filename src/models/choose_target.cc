#include <filesystem>

#include "base/log.h"
#include "formats/unpacked_folder.h"
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

// The packed file beside the checkpoint, if it fits.
Result<std::shared_ptr<const PackedFile>> open_beside(const ModelDirectory& directory, const std::string& path,
                                                      const LoadTarget& target) {
  ASSIGN_OR_RETURN(std::shared_ptr<const PackedFile> packed, PackedFile::open(path));
  RETURN_IF_ERROR(check_fits(*packed, target));
  const std::string source = fingerprint(directory.path());
  if (!source.empty() && source != packed->info().source) {
    return error(StatusCode::kCorruptFile, path + ": was packed from other weights than stand beside it");
  }
  return packed;
}

}  // namespace

Result<LoadTarget> choose_target(const ModelDirectory& directory, const KernelTable& kernels, Precision precision) {
  LoadTarget target(kernels, resolve_precision(kernels, precision));
  if (directory.packed() != nullptr) {
    if (precision == Precision::kAuto) target.precision = directory.packed()->info().precision;
    RETURN_IF_ERROR(check_fits(*directory.packed(), target));
    use(directory.packed(), &target);
    return target;
  }
  const std::string path = directory.path() + "/" + packed_file_name(kernels.name, target.precision);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return target;
  auto packed = open_beside(directory, path, target);
  if (packed) {
    use(std::move(*packed), &target);
  } else {
    log_warning("reading the checkpoint instead of its packed file: {}", packed.error().message);
  }
  return target;
}

}  // namespace vivace
