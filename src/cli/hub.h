// The Hugging Face hub's HTTP interface, as far as fetching a model needs it.
// https://huggingface.co/docs/hub/api (GET /api/models/{id}/revision/{revision}, GET /{id}/resolve/{commit}/{file})
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace vivace {

struct Hub {
  std::string endpoint;  // "https://huggingface.co", without a slash at the end
  std::string token;     // empty: none
};

struct HubModel {
  std::string id;      // "owner/name"
  std::string commit;  // that the revision stands for; all files are fetched from it
  std::vector<std::string> files;
};

// "name" or "owner/name" of letters, digits, '-', '_' and '.'.
Result<void> check_model_id(std::string_view id);

// What the repository holds. kNotFound when there is none of that name; kCorruptFile when the answer makes no sense,
// such as a file name that leads out of the folder.
Result<HubModel> find_hub_model(const Hub& hub, const std::string& id, const std::string& revision);

// Those of the repository's files that Vivace reads: configurations, tokenizer (tokenizer.json, else the files of an
// older one), safetensors weights (one file, else the shards and their index), without any of them an ONNX file (that
// which would be run), sentence-transformers' files and modules. kUnsupported when weights or tokenizer are not in such
// files.
Result<std::vector<std::string>> files_to_fetch(const HubModel& model);

// Fetches one file to path, by way of path + ".part", which an earlier attempt may have begun. The checksum that the
// hub names is compared before the file takes its name; kCorruptFile when it differs. Draws progress on a terminal.
Result<void> fetch_file(const Hub& hub, const HubModel& model, const std::string& file, const std::string& path);

}  // namespace vivace
