// Where things live on this machine, by the environment's usual variables.
#pragma once

#include <optional>
#include <string>

namespace vivace {

// The variable's value; nullopt when it is not set or empty.
std::optional<std::string> environment_variable(const std::string& name);

// $XDG_CACHE_HOME, else $HOME/.cache, else a folder of this user below the system's temporary folder.
std::string user_cache_folder();

// Where `vivace pull` puts models and --model NAME finds them: <user cache>/vivace/models.
std::string own_models_folder();

// Hugging Face's cache: $HF_HUB_CACHE, else $HF_HOME/hub, else <user cache>/huggingface/hub.
std::string hugging_face_cache_folder();

}  // namespace vivace
