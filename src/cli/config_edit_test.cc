#include "cli/config_edit.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace vivace {
namespace {

namespace fs = std::filesystem;

TEST(ConfigEdit, KeysAreReplacedOrAppended) {
  EXPECT_EQ(with_config_keys("# mine\nthreads: 1  # few\nport: 80\n", {{"threads", "2"}, {"precision", "int8"}}),
            "# mine\nthreads: 2\nport: 80\nprecision: int8\n");
  EXPECT_EQ(with_config_keys("", {{"threads", "2"}}), "threads: 2\n");
  EXPECT_EQ(with_config_keys("models:\n  threads: dir", {{"threads", "2"}}), "models:\n  threads: dir\nthreads: 2\n");
}

// Configurations hold keys: who could not read the file before must not be able to afterwards.
TEST(ConfigEdit, TheFileKeepsItsPermissions) {
  const fs::path path = fs::path(testing::TempDir()) / "config_edit_test.yaml";
  std::ofstream(path) << "port: 80\n";
  const fs::perms own = fs::perms::owner_read | fs::perms::owner_write;
  fs::permissions(path, own);
  const auto done = set_config_keys(path.string(), {{"threads", "2"}});
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
  EXPECT_EQ(fs::status(path).permissions(), own);
  EXPECT_EQ(fs::file_size(path), std::string("port: 80\nthreads: 2\n").size());
  fs::remove(path);
}

}  // namespace
}  // namespace vivace
