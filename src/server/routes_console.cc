#include "server/routes_console.h"

#include <array>
#include <bit>
#include <span>

#include <openssl/sha.h>

#include "server/base64.h"
#include "server/console_page.h"

namespace vivace {
namespace {

// What stands between <name> and </name> in the page, as the source that a content security policy allows.
std::string hash_source(std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const size_t begin = kConsolePage.find(open) + open.size();
  const std::string_view text = kConsolePage.substr(begin, kConsolePage.find("</" + std::string(name) + ">") - begin);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(std::bit_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return "'sha256-" + base64(std::as_bytes(std::span(digest))) + "'";
}

// The page brings everything with it: no other host, no script or style but its own, no frame, no form target.
std::string content_security_policy() {
  return "default-src 'none'; script-src " + hash_source("script") + "; style-src " + hash_source("style") +
         "; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

Reply console(const RequestContext&) {
  static const std::string policy = content_security_policy();
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("content-security-policy", policy);
  response.headers.emplace_back("referrer-policy", "no-referrer");
  response.headers.emplace_back("cache-control", "no-cache");
  response.body = kConsolePage;
  return response;
}

std::vector<Schema> schemas(const ApiFacts&) {
  return {};
}

}  // namespace

RouteGroup console_routes() {
  return {{{.method = Method::kGet,
            .path = "/",
            .family = ApiFamily::kVivace,
            .access = Access::kPublic,
            .handler = console,
            .doc = {.id = "console", .summary = "The console page", .response_type = "text/html; charset=utf-8"}}},
          schemas};
}

}  // namespace vivace
