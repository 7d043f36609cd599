// `vivace impact validate` and `vivace impact calibrate`.
#pragma once

#include "cli/verbs.h"

namespace vivace {

void add_impact_evaluation_verbs(CLI::App& impact, Action* action);

}  // namespace vivace
