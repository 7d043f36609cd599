#include "cli/program.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/bracket_guard.h"
#include "cli/verbs.h"
#include "cli/version.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace embed 'a first text' 'a second one'\n"
    "  vivace embed --file docs.jsonl --output vectors.jsonl --resume\n"
    "  vivace classify --model emotions 'I could dance'\n"
    "  vivace rerank --model ms-marco --query 'how tall is Everest' --file passages.txt\n"
    "  vivace complete --model models/codet5p-220m 'def add(a, b):<extra_id_0>'\n"
    "  vivace tokenize 'unaffable'\n"
    "  vivace inspect --model models/all-MiniLM-L6-v2\n"
    "  vivace pull sentence-transformers/all-MiniLM-L6-v2\n"
    "  vivace impact --file messages.jsonl\n"
    "  vivace detect --model my-detector --file essay.txt --report essay.html\n"
    "  vivace serve --model models/all-MiniLM-L6-v2\n"
    "\n`vivace VERB --help` tells more about a verb. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.";

// Several problems found at once come as several lines.
void print_error(std::string_view message) {
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    std::fprintf(stderr, "vivace: %.*s\n", static_cast<int>(line.size()), line.data());
    message.remove_prefix(std::min(line.size() + 1, message.size()));
  }
}

std::vector<std::string> verb_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* verb : program.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

// CLI11 would report an unknown verb as "argument not expected"; the user wants to hear which verb was meant.
bool report_unknown_verb(const CLI::App& program, std::string_view typed) {
  if (typed.empty() || typed.starts_with('-')) return false;
  const std::vector<std::string> names = verb_names(program);
  if (std::ranges::find(names, typed) != names.end()) return false;
  const std::string_view nearest = nearest_name(typed, names);
  print_error("unknown verb '" + std::string(typed) + "'; " +
              (nearest.empty() ? "`vivace --help` lists the verbs" : "did you mean '" + std::string(nearest) + "'?"));
  return true;
}

// CLI11 reads the environment for the options of every verb. Only the one that was typed is to mind it: `serve` has a
// configuration that tells of all wrong values at once, others have no use for them.
void leave_environment_to(std::string_view typed, CLI::App* program) {
  for (CLI::App* verb : program->get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == typed) continue;
    for (CLI::Option* option : verb->get_options([](const CLI::Option*) { return true; })) option->envname("");
    leave_environment_to("", verb);
  }
}

// CLI11 names the option whose value is wrong; where nobody typed it, the value came from the environment.
std::string variable_at_fault(const CLI::App& verb, const std::string& message) {
  for (const CLI::Option* option : verb.get_options()) {
    const bool is_typed = std::ranges::find(verb.parse_order(), option) != verb.parse_order().end();
    if (option->get_envname().empty() || is_typed || option->count() == 0) continue;
    if (message.starts_with(option->get_name() + ":")) return option->get_envname() + ": ";
  }
  return "";
}

int report_usage_error(const CLI::App& program, const CLI::ParseError& wrong) {
  if (wrong.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return program.exit(wrong);  // --help
  const CLI::App* verb = &program;
  std::string name = "vivace";
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    name += " " + verb->get_name();
  }
  std::string message = without_guards(wrong.what());
  while (message.ends_with('\n') || message.ends_with('.')) message.pop_back();
  print_error(variable_at_fault(*verb, message) + message + "; see `" + name + " --help`");
  return kExitUsage;
}

int run_action(const Action& action) {
  // Results are what the user came for; only `serve` is chatty, and it sets its own level.
  Result<void> done = configure_log("warning", LogFormat::kText);
  if (done) done = action();
  if (done) return kExitSuccess;
  print_error(done.error().message);
  return kExitFailure;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view nearest_name(std::string_view typed, const std::vector<std::string>& candidates) {
  std::string_view nearest;
  size_t smallest = std::max<size_t>(2, typed.size() / 2);  // a word that shares less than half is not a slip
  for (const std::string& candidate : candidates) {
    const bool starts_alike = typed.size() >= 3 && candidate.starts_with(typed);
    const size_t distance = starts_alike ? 0 : edit_distance(typed, candidate);
    if (distance <= smallest && (nearest.empty() || distance < smallest)) {
      smallest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

int run_program(int argc, char** argv) {
  CLI::App program{
      "Vivace: small transformers, played fast. Text to vectors, labels, tags and rankings on this machine.", "vivace"};
  program.set_version_flag("--version", std::string("vivace ") + kVersion);
  program.footer(kExamples);
  program.require_subcommand(1);
  Action action;
  add_embed_verb(program, &action);
  add_classify_verb(program, &action);
  add_tag_verb(program, &action);
  add_entail_verb(program, &action);
  add_rerank_verb(program, &action);
  add_complete_verb(program, &action);
  add_ipc_verb(program, &action);
  add_tokenize_verb(program, &action);
  add_inspect_verb(program, &action);
  add_pull_verb(program, &action);
  add_models_verb(program, &action);
  add_ingest_verb(program, &action);
  add_search_verb(program, &action);
  add_verify_verb(program, &action);
  add_serve_verb(program, &action);
  add_impact_verb(program, &action);
  add_detect_verb(program, &action);
  add_bench_verb(program, &action);
  add_profile_verb(program, &action);
  add_tune_verb(program, &action);
  add_pack_verb(program, &action);

  take_guards_off(&program);

  if (argc < 2) {
    print_error("no verb given; `vivace --help` lists the verbs");
    return kExitUsage;
  }
  if (report_unknown_verb(program, argv[1])) return kExitUsage;
  leave_environment_to(argv[1], &program);
  try {
    program.parse(guarded_arguments(argc, argv));
    return run_action(action);
  } catch (const CLI::ParseError& wrong) {
    return report_usage_error(program, wrong);
  }
}

}  // namespace vivace
