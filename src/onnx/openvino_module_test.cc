#include "onnx/openvino_module.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::HasSubstr;

TEST(OpenVinoModuleTest, AMissingOrBrokenModuleSaysWhatToDo) {
  const std::string path = testing::TempDir() + "/vivace-not-a-module.so";
  for (const bool exists : {false, true}) {
    if (exists) std::ofstream(path) << "not a library";
    const auto opened = open_onnx_module(path);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, StatusCode::kUnsupported);
    EXPECT_THAT(opened.error().message, HasSubstr("make deps"));
    EXPECT_THAT(opened.error().message, HasSubstr("openvino"));
  }
}

}  // namespace
}  // namespace vivace
