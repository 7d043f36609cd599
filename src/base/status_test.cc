#include "base/status.h"

#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace vivace {
namespace {

constexpr StatusCode kCodes[] = {StatusCode::kInvalidArgument, StatusCode::kNotFound,         StatusCode::kTooLarge,
                                 StatusCode::kOverloaded,      StatusCode::kDeadlineExceeded, StatusCode::kCancelled,
                                 StatusCode::kUnsupported,     StatusCode::kCorruptFile,      StatusCode::kUnavailable,
                                 StatusCode::kInternal};

Result<int> half_of(int number) {
  if (number % 2 != 0) return error(StatusCode::kInvalidArgument, std::to_string(number) + " is odd");
  return number / 2;
}

Result<std::string> quarter_of(int number) {
  ASSIGN_OR_RETURN(const int half, half_of(number));
  ASSIGN_OR_RETURN(const int quarter, half_of(half));
  return std::to_string(quarter);
}

Result<void> check_even(int number, int* checked) {
  RETURN_IF_ERROR(half_of(number));
  ++*checked;
  return {};
}

Result<std::unique_ptr<int>> make_number() {
  return std::make_unique<int>(7);
}

Result<int> read_number() {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> number, make_number());
  return *number;
}

TEST(Status, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (const StatusCode code : kCodes) names.insert(status_code_name(code));
  EXPECT_EQ(names.size(), std::size(kCodes));
  EXPECT_EQ(status_code_name(StatusCode::kDeadlineExceeded), "deadline_exceeded");
}

TEST(Status, ContextStandsInFront) {
  const Status status{StatusCode::kNotFound, "no such file"};
  EXPECT_EQ(status.with_context("model m"), (Status{StatusCode::kNotFound, "model m: no such file"}));
}

TEST(Result, AssignPassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter_of(12), "3");
  EXPECT_EQ(quarter_of(3).error(), (Status{StatusCode::kInvalidArgument, "3 is odd"}));
  EXPECT_EQ(quarter_of(6).error(), (Status{StatusCode::kInvalidArgument, "3 is odd"}));
}

TEST(Result, ReturnIfErrorStopsThere) {
  int checked = 0;
  EXPECT_TRUE(check_even(2, &checked));
  EXPECT_EQ(checked, 1);
  EXPECT_EQ(check_even(5, &checked).error().message, "5 is odd");
  EXPECT_EQ(checked, 1);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  EXPECT_EQ(read_number(), 7);
}

}  // namespace
}  // namespace vivace
