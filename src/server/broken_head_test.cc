#include "server/broken_head.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

RequestHead head_from(std::string_view bytes) {
  RequestHead head;
  complete_broken_head(bytes, &head);
  return head;
}

TEST(BrokenHead, TellsMethodTargetAndId) {
  const RequestHead head =
      head_from("POST /v1/embeddings?x=1 HTTP/1.1\r\nhost: t\r\nbad name: x\r\nX-Request-Id: mine \r\n");
  EXPECT_EQ(head.method, Method::kPost);
  EXPECT_EQ(head.target, "/v1/embeddings?x=1");
  EXPECT_EQ(head.request_id, "mine");
}

TEST(BrokenHead, TakesWhatThereIs) {
  EXPECT_EQ(head_from("").target, "");
  EXPECT_EQ(head_from("nonsense\r\n\r\n").target, "");
  EXPECT_EQ(head_from("GET /aaaa").target, "/aaaa");
  EXPECT_EQ(head_from("BREW /pot HTTP/1.1").method, Method::kOther);
  EXPECT_EQ(head_from("GET / HTTP/1.1\r\nx-request-id:").request_id, "");
}

TEST(BrokenHead, LooksForNoIdInTheBody) {
  EXPECT_EQ(head_from("POST / HTTP/1.1\r\n\r\nx-request-id: theirs\r\n").request_id, "");
}

TEST(BrokenHead, KeepsWhatTheParserRead) {
  RequestHead head;
  head.target = "/tokenize";
  head.request_id = "first";
  complete_broken_head("bad name: x\r\nx-request-id: second\r\n\r\n", &head);
  EXPECT_EQ(head.target, "/tokenize");
  EXPECT_EQ(head.request_id, "first");
  head.request_id = "";
  complete_broken_head("bad name: x\r\nx-request-id: second\r\n\r\n", &head);
  EXPECT_EQ(head.request_id, "second");
}

}  // namespace
}  // namespace vivace
