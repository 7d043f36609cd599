#include "server/server_config.h"

#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ServerConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    m_file = std::filesystem::temp_directory_path() / ("vivace_config_test_" + std::to_string(getpid()) + ".yaml");
  }
  void TearDown() override { std::filesystem::remove(m_file); }

  Result<ServerConfig> load(const std::string& yaml) {
    std::ofstream(m_file) << yaml;
    m_sources.file = m_file.string();
    m_sources.environment = [this](const std::string& name) -> const char* {
      const auto variable = m_environment.find(name);
      return variable == m_environment.end() ? nullptr : variable->second.c_str();
    };
    return load_server_config(m_sources);
  }
  std::string problem(const std::string& yaml) {
    const auto config = load(yaml);
    if (config) return "";
    EXPECT_EQ(config.error().code, StatusCode::kInvalidArgument);
    return config.error().message;
  }

  std::filesystem::path m_file;
  ConfigSources m_sources;
  std::map<std::string, std::string> m_environment;
};

TEST_F(ServerConfigTest, EmptyFileGivesDefaults) {
  const auto config = load("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->port, 8080);
  EXPECT_EQ(config->host, "0.0.0.0");
  EXPECT_EQ(config->task_workers, 5);
  EXPECT_TRUE(config->models.empty());
}

TEST_F(ServerConfigTest, ModelsEntryMayHaveGatesOfItsOwn) {
  const std::string yaml =
      "models:\n  impact:\n    directory: /m/a\n    impact_gate_without_keywords: 0.7\n  b: {directory: /m/b}\n  c: "
      "/m/c\n";
  const auto config = load(yaml);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->models, (std::vector<ModelSpec>{{"impact", "/m/a", 0.7}, {"b", "/m/b"}, {"c", "/m/c"}}));
  EXPECT_EQ(load(server_config_yaml(*config))->models, config->models);

  m_sources.flags = {{"impact_gate_without_keywords", {"0.2"}}};
  EXPECT_EQ(load(yaml)->models.front(), (ModelSpec{"impact", "/m/a"})) << "a flag beats the file";
  m_sources.flags = {{"models", {"impact=/m/other"}}};
  EXPECT_EQ(load(yaml)->models.front(), (ModelSpec{"impact", "/m/other"})) << "another model";
  m_sources.flags = {{"models", {"embedder=impact"}}};
  EXPECT_EQ(load(yaml)->models.front(), (ModelSpec{"embedder", "impact", 0.7})) << "the same by its name";
}

TEST_F(ServerConfigTest, WrongModelEntriesAreNamed) {
  EXPECT_THAT(problem("models:\n  a: {impact_gate_with_keywords: 0.5}\n"),
              HasSubstr("models: expected NAME: DIR in line 2 (a: found a map)"));
  EXPECT_THAT(problem("models:\n  a: {directory: /m, gate: 1}\n"), HasSubstr("models: a: gate: unknown key (line 2)"));
  EXPECT_THAT(problem("models:\n  a: {directory: [1]}\n"), HasSubstr("models: expected NAME: DIR in line 2"));
  EXPECT_THAT(problem("models:\n  a: {directory: /m, directory: /n}\n"), HasSubstr("a: directory: is given twice"));
  EXPECT_THAT(problem("models:\n  a: {directory: /m, impact_gate_with_keywords: 2}\n"),
              HasSubstr("a: impact_gate_with_keywords: is 2, expected 0 to 1"));
}

TEST_F(ServerConfigTest, ReadsEveryTypeOfValue) {
  const auto config = load("host: 127.0.0.1\nport: 0\ndrain_seconds: 1.5\nmodels:\n  b: /m/b\n  a: /m/a\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->host, "127.0.0.1");
  EXPECT_EQ(config->port, 0);
  EXPECT_EQ(config->drain_seconds, 1.5);
  EXPECT_EQ(config->models, (std::vector<ModelSpec>{{"b", "/m/b"}, {"a", "/m/a"}}));
}

TEST_F(ServerConfigTest, FlagsBeatEnvironmentBeatsFile) {
  m_environment["VIVACE_PORT"] = "2";
  m_environment["VIVACE_IO_THREADS"] = "2";
  m_environment["VIVACE_MODELS"] = "x=/m/x,/m/y/";
  m_sources.flags = {{"port", {"3"}}};
  const auto config = load("port: 1\nio_threads: 1\nmax_connections: 7\nmodels: {z: /m/z}\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->port, 3);
  EXPECT_EQ(config->io_threads, 2);
  EXPECT_EQ(config->max_connections, 7);
  EXPECT_EQ(config->models, (std::vector<ModelSpec>{{"x", "/m/x"}, {"y", "/m/y/"}}));
}

TEST_F(ServerConfigTest, SeveralModelFlags) {
  m_sources.flags = {{"models", {"a=/m/a", "/m/b"}}};
  const auto config = load("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->models, (std::vector<ModelSpec>{{"a", "/m/a"}, {"b", "/m/b"}}));
}

TEST_F(ServerConfigTest, TaskWorkersAreBetweenOneAndSixtyFour) {
  EXPECT_THAT(problem("task_workers: 0\n"), HasSubstr("task_workers: is 0, expected 1 to 64"));
  EXPECT_THAT(problem("task_workers: 65\n"), HasSubstr("task_workers: is 65, expected 1 to 64"));
}

TEST_F(ServerConfigTest, KubernetesServiceLinkIsNoPort) {
  m_environment["VIVACE_PORT"] = "tcp://10.0.0.1:8080";
  const auto config = load("port: 9000\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->port, 9000);
}

TEST_F(ServerConfigTest, ReportsAllProblemsTogetherWithTheirPaths) {
  m_environment["VIVACE_IO_THREADS"] = "many";
  m_sources.flags = {{"max_connections", {"0"}}, {"models", {"=/m"}}};
  const std::string message = problem("prot: 8080\nport: 70000\nhost: [a]\nlog_level: loud\n");
  EXPECT_THAT(message, AllOf(HasSubstr("7 problems"), HasSubstr(m_file.string() + ": prot: unknown key (line 1)"),
                             HasSubstr("port: is 70000, expected 0 to 65535"),
                             HasSubstr("host: expected a text, found a list")));
  EXPECT_THAT(message, AllOf(HasSubstr("log_level: is 'loud', expected one of trace|"),
                             HasSubstr("VIVACE_IO_THREADS: expected an integer, found 'many'"),
                             HasSubstr("--max-connections: is 0, expected 1 to"),
                             HasSubstr("--model: expected [NAME=]DIR, found '=/m'")));
}

TEST_F(ServerConfigTest, SingleProblemIsOneLine) {
  EXPECT_EQ(problem("port: x\n"), m_file.string() + ": port: expected an integer, found 'x'");
}

TEST_F(ServerConfigTest, RefusesWrongTypes) {
  EXPECT_THAT(problem("port: \"8080\"\n"), HasSubstr("port: expected a number, found the text \"8080\""));
  EXPECT_THAT(problem("port: 80.5\n"), HasSubstr("port: expected an integer"));
  EXPECT_THAT(problem("port:\n"), HasSubstr("port: expected a number, found nothing"));
  EXPECT_THAT(problem("drain_seconds: nan\n"), HasSubstr("drain_seconds: is nan"));
  EXPECT_THAT(problem("models: [a]\n"), HasSubstr("models: expected a map of name to directory, found a list"));
  EXPECT_THAT(problem("models: {a: {b: c}}\n"), HasSubstr("models: expected NAME: DIR"));
  EXPECT_THAT(problem("- port\n"), HasSubstr("expected a map of keys to values, found a list"));
}

TEST_F(ServerConfigTest, RefusesBadFiles) {
  EXPECT_THAT(problem("port: [1\n"), HasSubstr(m_file.string() + ": line "));
  EXPECT_THAT(problem("port: 1\nport: 2\n"), HasSubstr("port: is given twice"));
  EXPECT_EQ(problem("port: 1\nport: 2\nport: 3\n"), m_file.string() + ": port: is given 3 times");
  EXPECT_THAT(problem("port: 1\n---\nport: 2\n"), HasSubstr("holds 2 YAML documents"));
  m_sources.file = "/nonexistent/vivace.yaml";
  const auto missing = load_server_config(m_sources);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/vivace.yaml"));
}

TEST_F(ServerConfigTest, RefusesValuesThatContradictEachOther) {
  EXPECT_THAT(problem("max_queued_texts: 10\n"), HasSubstr("max_texts_per_request: is 2048, more than"));
  EXPECT_THAT(problem("max_body_bytes: 1024\n"), HasSubstr("max_text_bytes: is 1048576, more than"));
  EXPECT_THAT(problem("request_timeout_seconds: 700\n"), HasSubstr("request_timeout_seconds: is 700, more than"));
  m_sources.flags = {{"models", {"a=/m/a", "a=/m/b"}}};
  EXPECT_THAT(problem(""), HasSubstr("models: the name 'a' is given to two models"));
  for (const char* name : {"a/ready", "a/versions/1", "a/unload"}) {
    m_sources.flags = {{"models", {std::string(name) + "=/m/a"}}};
    EXPECT_THAT(problem(""), HasSubstr("would be read as a route")) << name;
  }
}

TEST_F(ServerConfigTest, ContradictionsAreToldBesideOtherProblemsButNotOfWrongValues) {
  EXPECT_THAT(problem("max_text_bytes: 100000000\nbogus: 1\n"),
              AllOf(HasSubstr("2 problems"), HasSubstr("max_text_bytes: is 100000000, more than"), HasSubstr("bogus")));
  EXPECT_EQ(problem("max_text_bytes: 100000000\nmax_body_bytes: x\n"),
            m_file.string() + ": max_body_bytes: expected an integer, found 'x'");
}

TEST_F(ServerConfigTest, NotationsOfTheirOwnAreReadAndNamed) {
  EXPECT_THAT(problem("rate_limits: foo\n"), HasSubstr(m_file.string() + ": rate_limits: 'foo' is no limit"));
  EXPECT_THAT(problem("tenant_keys: secret\n"), HasSubstr(m_file.string() + ": tenant_keys: expected TENANT=KEY"));
  m_environment["VIVACE_ISA"] = "mmx";
  EXPECT_THAT(problem(""), HasSubstr("VIVACE_ISA: instruction set 'mmx' is unknown"));
}

TEST_F(ServerConfigTest, ModelsAreFoundInTheFileWhereFlagsNameThem) {
  m_sources.find_model = [](const std::string& directory, const std::vector<ModelSpec>& named) -> Result<std::string> {
    const auto found = std::ranges::find(named, directory, &ModelSpec::name);
    if (found != named.end()) return found->directory;
    if (directory.starts_with('/')) return directory;
    return error(StatusCode::kNotFound, "no " + directory);
  };
  const std::string yaml = "models: {a: /m/a, b: /m/b}\n";
  EXPECT_EQ(load(yaml)->models, (std::vector<ModelSpec>{{"a", "/m/a"}, {"b", "/m/b"}}));
  m_sources.flags = {{"models", {"b", "c=a"}}};
  EXPECT_EQ(load(yaml)->models, (std::vector<ModelSpec>{{"b", "/m/b"}, {"c", "/m/a"}}));
  m_sources.flags = {{"models", {"x", "y"}}};
  EXPECT_THAT(problem(yaml), AllOf(HasSubstr("models: x: no x"), HasSubstr("models: y: no y")));
}

TEST_F(ServerConfigTest, PrintedYamlReadsBackToTheSame) {
  ServerConfig config;
  config.host = "::1";
  config.port = 1234;
  config.drain_seconds = 0.25;
  config.models = {{"a b", "/m/\"x\""}};
  config.api_key = "hidden";
  const std::string yaml = server_config_yaml(config);
  EXPECT_THAT(yaml, ::testing::Not(HasSubstr("hidden")));
  auto read = load(yaml);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->models, config.models);
  EXPECT_EQ(server_config_yaml(*read), yaml);
}

TEST(ServerConfigKeys, NameFlagVariableAndDefaultOfEachKey) {
  const auto keys = server_config_keys();
  const auto find = [&](std::string_view name) { return *std::ranges::find(keys, name, &ConfigKey::name); };
  EXPECT_EQ(find("max_body_bytes").flag, "--max-body-bytes");
  EXPECT_EQ(find("max_body_bytes").variable, "VIVACE_MAX_BODY_BYTES");
  EXPECT_EQ(find("max_body_bytes").default_value, "16777216");
  EXPECT_EQ(find("models").flag, "--model");
  EXPECT_TRUE(find("models").repeatable);
  EXPECT_FALSE(find("port").repeatable);
  EXPECT_THAT(find("port").help, HasSubstr("(0 to 65535)"));
}

}  // namespace
}  // namespace vivace
