// All routes of the server, and the way from a request to one of them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/route.h"

namespace vivace {

std::span<const RouteGroup> route_groups();
std::vector<Route> all_routes();

struct RouteMatch {
  const Route* route = nullptr;  // the route to run, or the one that has the path but not the method
  bool method_allowed = false;
  std::string argument;  // what {…} stands for
  std::string allow;     // "GET, HEAD, OPTIONS": the path's methods, for the Allow header
};

// nullopt when no route has the path.
std::optional<RouteMatch> match_route(std::span<const Route> routes, Method method, std::string_view path);

// The family whose clients use this path, so that even "no such route" has the shape that they can read.
ApiFamily family_of_path(std::string_view path);

}  // namespace vivace
