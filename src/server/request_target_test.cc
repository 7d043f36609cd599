#include "server/request_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/route_table.h"

namespace vivace {
namespace {

using ::testing::HasSubstr;

std::string path_of(std::string_view target) {
  const auto path = parse_request_target(target);
  return path ? *path : "error: " + path.error().message;
}

TEST(RequestTarget, AcceptedForms) {
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/v1/models?limit=3"), "/v1/models");
  EXPECT_EQ(path_of("/a%20b%2Fc"), "/a b/c");
  EXPECT_EQ(path_of("http://host:80/v1/models?x"), "/v1/models");
  EXPECT_EQ(path_of("http://host"), "/");
  EXPECT_EQ(path_of("https://host?x=/y"), "/");
  EXPECT_EQ(path_of("*"), "*");
  EXPECT_EQ(path_of("/%C3%A9"), "/\u00e9");
}

TEST(RequestTarget, RefusedForms) {
  EXPECT_THAT(path_of(""), HasSubstr("does not begin with '/'"));
  EXPECT_THAT(path_of("v1"), HasSubstr("does not begin with '/'"));
  EXPECT_THAT(path_of("?a"), HasSubstr("does not begin with '/'"));
  EXPECT_THAT(path_of("/%"), HasSubstr("broken %-escape"));
  EXPECT_THAT(path_of("/%2"), HasSubstr("broken %-escape"));
  EXPECT_THAT(path_of("/%zz"), HasSubstr("broken %-escape"));
  EXPECT_THAT(path_of("/%ff"), HasSubstr("not UTF-8"));
  EXPECT_THAT(path_of("/%00"), HasSubstr("control character"));
  EXPECT_THAT(path_of("/%0d%0ax"), HasSubstr("control character"));
}

TEST(RequestTarget, Queries) {
  using Query = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(parse_query("/a"), Query());
  EXPECT_EQ(parse_query("/a?"), Query());
  EXPECT_EQ(parse_query("/a?x=1&&y=a%26b+c&z#f?g"), (Query{{"x", "1"}, {"y", "a&b c"}, {"z", ""}}));
  EXPECT_EQ(parse_query("/a?x=b=c"), (Query{{"x", "b=c"}}));
  EXPECT_THAT(parse_query("/a?x=%f").error().message, HasSubstr("broken %-escape"));
  EXPECT_THAT(parse_query("/a?x=%00").error().message, HasSubstr("control character"));
  EXPECT_THAT(parse_query("/a?" + std::string(70, 'x') + std::string(70, '&')),
              testing::Truly([](const auto& query) { return query && query->size() == 1; }));
  std::string many = "/a?";
  for (int i = 0; i < 65; ++i) many += "x&";
  EXPECT_THAT(parse_query(many).error().message, HasSubstr("too many"));
}

TEST(RequestTarget, PlacesInPatterns) {
  std::string argument;
  EXPECT_TRUE(match_path("/claims/{id}/verify", "/claims/7/verify", &argument));
  EXPECT_EQ(argument, "7");
  EXPECT_FALSE(match_path("/claims/{id}/verify", "/claims//verify", &argument));
  EXPECT_FALSE(match_path("/claims/{id}/verify", "/claims/7", &argument));
  EXPECT_TRUE(match_path("/models/{name}", "/models/a/b", &argument));
  EXPECT_EQ(argument, "a/b");
}

TEST(RouteTable, FindsRoutes) {
  const auto routes = all_routes();
  ASSERT_LE(routes.size(), ServerStats::kMaxRoutes);
  const auto embeddings = match_route(routes, Method::kPost, "/v1/embeddings");
  ASSERT_TRUE(embeddings);
  EXPECT_TRUE(embeddings->method_allowed);
  EXPECT_EQ(embeddings->allow, "POST, OPTIONS");
  const auto model = match_route(routes, Method::kHead, "/v1/models/org/name");
  ASSERT_TRUE(model);
  EXPECT_TRUE(model->method_allowed);
  EXPECT_EQ(model->argument, "org/name");
  EXPECT_EQ(model->allow, "GET, HEAD, OPTIONS");
}

TEST(MatchPath, TakesWhatStandsBetween) {
  std::string argument;
  EXPECT_TRUE(match_path("/v1/models/{model}/load", "/v1/models/org/name/load", &argument));
  EXPECT_EQ(argument, "org/name");
  EXPECT_FALSE(match_path("/v1/models/{model}/load", "/v1/models//load", &argument));
  EXPECT_FALSE(match_path("/v1/models/{model}/load", "/v1/models/load", &argument));
  EXPECT_FALSE(match_path("/v1/models/{model}/load", "/v1/models/a/unload", &argument));
}

TEST(RouteTable, TellsWrongMethodFromWrongPath) {
  const auto routes = all_routes();
  const auto wrong_method = match_route(routes, Method::kGet, "/v1/embeddings");
  ASSERT_TRUE(wrong_method);
  EXPECT_FALSE(wrong_method->method_allowed);
  EXPECT_FALSE(match_route(routes, Method::kGet, "/v1/embedding"));
  EXPECT_FALSE(match_route(routes, Method::kGet, "/v1/models/"));
  EXPECT_FALSE(match_route(routes, Method::kGet, "/v1/embeddings/"));
}

}  // namespace
}  // namespace vivace
