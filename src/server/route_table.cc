#include "server/route_table.h"

#include <array>

#include "server/request_target.h"
#include "server/routes_claims.h"
#include "server/routes_cohere.h"
#include "server/routes_completion.h"
#include "server/routes_console.h"
#include "server/routes_detection.h"
#include "server/routes_impact.h"
#include "server/routes_kserve.h"
#include "server/routes_models.h"
#include "server/routes_openai.h"
#include "server/routes_operations.h"
#include "server/routes_repository.h"
#include "server/routes_tasks.h"
#include "server/routes_tei.h"
#include "server/routes_tokenize.h"

namespace vivace {
namespace {

bool accepts(const Route& route, Method method) {
  return route.method == method || (route.method == Method::kGet && method == Method::kHead);
}

size_t literal_length(std::string_view pattern) {
  const size_t open = pattern.find('{');
  return open == std::string_view::npos ? pattern.size() : pattern.size() - (pattern.find('}') + 1 - open);
}

void append_allowed(const Route& route, std::string* allow) {
  if (!allow->empty()) allow->append(", ");
  allow->append(route.method == Method::kGet ? "GET, HEAD" : route.method == Method::kPost ? "POST" : "DELETE");
}

// How much of a path its route says: what stands before the argument and, where the path has it, what stands behind it.
// A route that ends otherwise is less close than one that says no more.
size_t shared_length(std::string_view route, std::string_view path) {
  const size_t argument = route.find('{');
  const std::string_view start = route.substr(0, argument);
  if (!path.starts_with(start)) return 0;
  if (argument == std::string_view::npos) return start.size();
  const std::string_view end = route.substr(route.find('}') + 1);
  return path.ends_with(end) ? start.size() + end.size() : start.size() - 1;
}

}  // namespace

std::span<const RouteGroup> route_groups() {
  static const std::array<RouteGroup, 14> groups = {
      openai_routes(),     tasks_routes(),      cohere_routes(),     tei_routes(),    kserve_routes(),
      completion_routes(), tokenize_routes(),   detection_routes(),  claims_routes(), impact_routes(),
      models_routes(),     repository_routes(), operations_routes(), console_routes()};
  return groups;
}

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  for (const RouteGroup& group : route_groups()) routes.insert(routes.end(), group.routes.begin(), group.routes.end());
  return routes;
}

std::optional<RouteMatch> match_route(std::span<const Route> routes, Method method, std::string_view path) {
  RouteMatch match;
  // Of "/claims/{id}" and "/claims/{id}/verify" the one that says more about the path.
  std::string_view best;
  for (const Route& route : routes) {
    std::string argument;
    if (!match_path(route.path, path, &argument) || literal_length(route.path) < literal_length(best)) continue;
    best = route.path;
    match.argument = std::move(argument);
  }
  for (const Route& route : routes) {
    if (route.path != best) continue;
    append_allowed(route, &match.allow);
    if (match.method_allowed) continue;
    match.route = &route;
    match.method_allowed = accepts(route, method);
  }
  if (match.route == nullptr) return std::nullopt;
  match.allow.append(", OPTIONS");
  return match;
}

ApiFamily family_of_path(std::string_view path) {
  static const std::vector<Route> routes = all_routes();
  const Route* closest = nullptr;
  size_t most = std::string_view("/").size();  // of the page at "/" nothing follows
  for (const Route& route : routes) {
    const size_t shared = shared_length(route.path, path);
    if (shared > most) {
      closest = &route;
      most = shared;
    }
  }
  if (closest != nullptr) return closest->family;
  return path.starts_with("/v1/") ? ApiFamily::kOpenAi : ApiFamily::kVivace;
}

}  // namespace vivace
