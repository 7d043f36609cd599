// From what the user writes after --model to a model directory on this machine. Never touches the network.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vivace {

inline constexpr char kDefaultModel[] = "all-MiniLM-L6-v2";

// The places where names are looked up, in this order. Folders need not exist.
struct ModelPlaces {
  std::vector<std::pair<std::string, std::string>> configured;  // name and directory, from the configuration file
  std::string own_cache;                                        // <own_cache>/[owner/]name
  std::string hugging_face_cache;                               // models--owner--name/snapshots/<commit>
  std::string models_folder;                                    // <models_folder>/name, beside the current directory
};
ModelPlaces default_model_places();

enum class ModelSource { kDirectory, kConfiguration, kOwnCache, kHuggingFaceCache, kModelsFolder };
std::string_view model_source_name(ModelSource source);

struct FoundModel {
  std::string name;  // "owner/name" or "name"
  std::string directory;
  ModelSource source = ModelSource::kDirectory;
};

// A directory (anything with config.json in it) or a name: "all-MiniLM-L6-v2",
// "sentence-transformers/all-MiniLM-L6-v2". A name without owner matches any owner. kNotFound says where it looked and
// how to get the model; kInvalidArgument when a bare name fits models of several owners in the same place.
Result<FoundModel> find_model(const std::string& name_or_directory, const ModelPlaces& places);

// Everything that find_model could find by name, in the order of the places.
std::vector<FoundModel> list_models(const ModelPlaces& places);

}  // namespace vivace
