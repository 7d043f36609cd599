// tokenizer_config.json of a model directory from before tokenizer.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/status.h"

namespace vivace {

struct LegacySettings {
  std::string tokenizer_class;  // without "Fast"; empty when not said
  bool do_lower_case = false;
  std::optional<bool> strip_accents;
  bool tokenize_chinese_chars = true;
  bool add_prefix_space = false;
  bool trim_offsets = true;
  bool split_by_punct = false;
  int32_t extra_ids = 100;
  std::unordered_map<std::string, std::string> special_tokens;  // "cls_token" and so on

  std::string token(std::string_view role, std::string_view fallback) const;
};

// What a tokenizer class does where the file says nothing.
struct LegacyDefaults {
  bool do_lower_case = false;
  bool add_prefix_space = false;
};

// A missing file is one that says nothing. kUnsupported when added_tokens.json stands beside it: those tokens are not
// read.
Result<LegacySettings> read_legacy_settings(const std::string& directory, const LegacyDefaults& defaults);

}  // namespace vivace
