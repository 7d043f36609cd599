#include "server/error_table.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace vivace {
namespace {

struct Row {
  StatusCode code;
  int http_status;
  std::string_view type;
};

class ErrorTableTest : public ::testing::TestWithParam<Row> {};

TEST_P(ErrorTableTest, EveryStatusCodeInOpenAiShape) {
  const HttpResponse response = error_response(ApiFamily::kOpenAi, ApiError(GetParam().code, "what is wrong"));
  EXPECT_EQ(response.status, GetParam().http_status);
  EXPECT_NE(http_reason(response.status), "Unknown");
  const auto body = JsonDocument::parse(response.body, "body");
  ASSERT_TRUE(body);
  const JsonValue error = *body->root().get("error");
  EXPECT_EQ(*error.get("message")->as_string(), "what is wrong");
  EXPECT_EQ(*error.get("type")->as_string(), GetParam().type);
  EXPECT_EQ(*error.get("code")->as_string(), status_code_name(GetParam().code));
  EXPECT_TRUE(error.get("param")->is_null());
  const bool asks_to_retry = !response.headers.empty() && response.headers[0].first == "retry-after";
  EXPECT_EQ(asks_to_retry, response.status == 429 || response.status == 503);
}

INSTANTIATE_TEST_SUITE_P(AllCodes, ErrorTableTest,
                         ::testing::Values(Row{StatusCode::kInvalidArgument, 400, "invalid_request_error"},
                                           Row{StatusCode::kNotFound, 404, "not_found_error"},
                                           Row{StatusCode::kTooLarge, 413, "invalid_request_error"},
                                           Row{StatusCode::kOverloaded, 429, "rate_limit_error"},
                                           Row{StatusCode::kDeadlineExceeded, 504, "server_error"},
                                           Row{StatusCode::kCancelled, 499, "invalid_request_error"},
                                           Row{StatusCode::kUnsupported, 400, "invalid_request_error"},
                                           Row{StatusCode::kCorruptFile, 500, "server_error"},
                                           Row{StatusCode::kUnavailable, 503, "server_error"},
                                           Row{StatusCode::kInternal, 500, "server_error"}));

TEST(ErrorTable, FieldAndCodeAreTold) {
  ApiError error(StatusCode::kNotFound, "no");
  error.param = "model";
  error.code = "model_not_found";
  EXPECT_EQ(error_response(ApiFamily::kOpenAi, error).body,
            R"({"error":{"message":"no","type":"not_found_error","param":"model","code":"model_not_found"}})");
  EXPECT_EQ(error_response(ApiFamily::kVivace, error).body,
            R"({"error":{"code":"model_not_found","message":"no","details":{"param":"model"}}})");
  EXPECT_EQ(error_response(ApiFamily::kTei, error).body, R"({"error":"no","error_type":"Validation"})");
}

TEST(ErrorTable, SomeFamiliesSayUnprocessable) {
  const ApiError wrong(StatusCode::kInvalidArgument, "no");
  EXPECT_EQ(error_response(ApiFamily::kTei, wrong).status, 422);
  EXPECT_EQ(error_response(ApiFamily::kDetail, wrong).status, 422);
  EXPECT_EQ(error_response(ApiFamily::kOpenAi, wrong).status, 400);
  EXPECT_EQ(error_response(ApiFamily::kTei, http_error(400, "bad_http", "no")).status, 400);
  ApiError empty = wrong;
  empty.code = kEmptyInput;
  EXPECT_EQ(error_response(ApiFamily::kTei, empty).status, 400);
  EXPECT_EQ(error_response(ApiFamily::kTei, empty).body, R"({"error":"no","error_type":"Empty"})");
}

TEST(ErrorTable, TellsWhenToTryAgain) {
  const auto retry_after = [](Status status) {
    return error_response(ApiFamily::kVivace, ApiError(std::move(status))).headers.at(0).second;
  };
  EXPECT_EQ(retry_after({StatusCode::kUnavailable, "the breaker is open", 17}), "17");
  EXPECT_EQ(retry_after({StatusCode::kOverloaded, "full"}), "1");
}

TEST(ErrorTable, HttpErrorsKeepTheirStatus) {
  const ApiError error = http_error(415, "unsupported_media_type", "send JSON");
  EXPECT_EQ(error_response(ApiFamily::kVivace, error).status, 415);
}

}  // namespace
}  // namespace vivace
