#include "cli/bracket_guard.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace vivace {
namespace {

// An argument that begins with it gets a second one, so nothing is lost.
constexpr char kGuard = '\x1f';

}  // namespace

std::vector<std::string> guarded_arguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  bool options_end = false;  // behind "--"
  for (std::string& argument : arguments) {
    if (argument.starts_with('[') || argument == "{}" || argument.starts_with(kGuard)) argument.insert(0, 1, kGuard);
    const bool is_without_value = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    if (is_without_value && !options_end) argument += kGuard;
    options_end = options_end || argument == "--";
  }
  std::ranges::reverse(arguments);
  return arguments;
}

std::string without_guard(std::string argument) {
  if (argument.starts_with(kGuard)) argument.erase(0, 1);
  return argument;
}

std::string without_guards(std::string message) {
  std::erase(message, kGuard);
  return message;
}

void take_guards_off(CLI::App* program) {
  const auto take_off = [](const std::string& argument) { return without_guard(argument); };
  for (CLI::Option* option : program->get_options()) {
    // Texts do it themselves, behind the last place where CLI11 looks at them.
    const bool takes_texts = option->get_positional() && option->get_allow_extra_args();
    if (!takes_texts) option->transform(take_off);
  }
  for (CLI::App* verb : program->get_subcommands([](CLI::App*) { return true; })) take_guards_off(verb);
}

}  // namespace vivace
