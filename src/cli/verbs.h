// The verbs of the command line, one file each. add_…_verb() declares a verb's options on the program; when the user
// typed that verb, parsing leaves in *action what is to be run. Wrong combinations of options are reported by throwing
// CLI::ValidationError while parsing, or later by throw_usage_error() (exit code 2); everything else by the action's
// Result (exit code 1).
#pragma once

#include <functional>

#include "base/status.h"

namespace CLI {
class App;
}

namespace vivace {

using Action = std::function<Result<void>()>;

void add_embed_verb(CLI::App& program, Action* action);
void add_classify_verb(CLI::App& program, Action* action);
void add_tag_verb(CLI::App& program, Action* action);
void add_entail_verb(CLI::App& program, Action* action);
void add_rerank_verb(CLI::App& program, Action* action);
void add_complete_verb(CLI::App& program, Action* action);
void add_ipc_verb(CLI::App& program, Action* action);
void add_tokenize_verb(CLI::App& program, Action* action);
void add_inspect_verb(CLI::App& program, Action* action);
void add_models_verb(CLI::App& program, Action* action);
void add_pull_verb(CLI::App& program, Action* action);
void add_ingest_verb(CLI::App& program, Action* action);
void add_search_verb(CLI::App& program, Action* action);
void add_verify_verb(CLI::App& program, Action* action);
void add_serve_verb(CLI::App& program, Action* action);
void add_impact_verb(CLI::App& program, Action* action);
void add_detect_verb(CLI::App& program, Action* action);
void add_bench_verb(CLI::App& program, Action* action);
void add_profile_verb(CLI::App& program, Action* action);
void add_tune_verb(CLI::App& program, Action* action);
void add_pack_verb(CLI::App& program, Action* action);

}  // namespace vivace
