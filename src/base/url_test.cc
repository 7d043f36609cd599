#include "base/url.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(UrlTest, ReadsItsParts) {
  const auto url = parse_url("https://Hub.Example.org:8443/a/b?c=d#e");
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->host, "hub.example.org");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(url->text(), "https://hub.example.org:8443/a/b?c=d");
}

TEST(UrlTest, FillsInWhatIsLeftOut) {
  EXPECT_EQ(parse_url("http://host")->text(), "http://host:80/");
  EXPECT_EQ(parse_url("https://host")->text(), "https://host:443/");
  EXPECT_EQ(parse_url("https://host?q")->target, "/?q");
}

TEST(UrlTest, ReadsAddressesOfVersion6) {
  const auto url = parse_url("http://[::1]:81/x");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, "81");
  EXPECT_EQ(url->origin(), "http://[::1]:81");
}

TEST(UrlTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "host", "ftp://host", "http://", "http://:80", "https://user:pw@host", "http://host:",
                           "http://host:70000", "http://host:8x", "http://ho st", "http://host/a\nb", "http://[::1"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_EQ(url.error().code, StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(parse_url("http://host/" + std::string(10000, 'x')).has_value());
}

TEST(UrlTest, ResolvesLocations) {
  const Url base = *parse_url("https://host:444/models/a?x=1");
  EXPECT_EQ(resolve_location(base, "https://cdn/file?sig=2")->text(), "https://cdn:443/file?sig=2");
  EXPECT_EQ(resolve_location(base, "/other")->text(), "https://host:444/other");
  EXPECT_EQ(resolve_location(base, "b")->text(), "https://host:444/models/b");
  EXPECT_EQ(resolve_location(base, "//cdn/c")->text(), "https://cdn:443/c");
}

TEST(UrlTest, EncodesPaths) {
  EXPECT_EQ(encode_path("a b/ü?#%.json"), "a%20b/%C3%BC%3F%23%25.json");
}

}  // namespace
}  // namespace vivace
