// CLI11 takes "[a, b]" for a list of values where an argument may be given several times, drops the brackets and splits
// at the commas; it takes "{}" for no value at all, and what follows "--option=" for the option's value where nothing
// stands behind the sign. Texts may look like that: they pass through it behind a guard.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace vivace {

// The arguments behind the program's name, guarded, the last one first: what CLI::App::parse() takes.
std::vector<std::string> guarded_arguments(int argc, const char* const* argv);

std::string without_guard(std::string argument);

// A message about arguments, as the user wrote them.
std::string without_guards(std::string message);

// Every option of the program and its verbs takes the guard off what it is given, but arguments that are texts: who
// declares them calls without_guard().
void take_guards_off(CLI::App* program);

}  // namespace vivace
