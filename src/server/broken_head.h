// What can be told of a request whose head could not be read to its end, so that its refusal has the form that its
// client reads, names its request and is counted for its route.
#pragma once

#include <string_view>

#include "server/dispatch.h"

namespace vivace {

// Adds what the parser did not get to: `rest` is what it left unread. The views of the head stay views of `rest`.
void complete_broken_head(std::string_view rest, RequestHead* head);

}  // namespace vivace
