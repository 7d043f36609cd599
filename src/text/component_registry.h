// How a part of tokenizer.json finds its reader: by the component's "type", in a table of those that we know.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "base/utf8.h"

namespace vivace {

template <typename Reader>
struct NamedReader {
  std::string_view type;
  Reader* read;
};

// The row of the component's type; "null" stands for a missing component. kUnsupported, naming the component and the
// known ones, when there is none.
template <typename Reader>
Result<Reader*> find_reader(const JsonValue& component, std::span<const NamedReader<Reader>> known) {
  std::string type = "null";
  if (!component.is_null()) {
    ASSIGN_OR_RETURN(const JsonValue type_value, component.get("type"));
    ASSIGN_OR_RETURN(const std::string_view name, type_value.as_string());
    type = name;
  }
  std::string message = component.path() + ": '" + printable(type) + "' is not supported; known: ";
  for (const NamedReader<Reader>& row : known) {
    if (row.type == type && (type == "null") == component.is_null()) return row.read;
    message.append(&row == known.data() ? "" : ", ").append(row.type);
  }
  return error(StatusCode::kUnsupported, message);
}

}  // namespace vivace
