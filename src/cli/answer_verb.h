// What the verbs have in common that answer each text with a line of JSON: classify, tag, entail.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/status.h"
#include "cli/answer_stream.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "engine/engine.h"

namespace vivace {

struct AnswerOptions {
  ModelOptions model;
  InputOptions input;
  bool refuse_long = false;
  std::string on_error = "stop";
};

// --model, texts, --no-truncation, --on-error and the compute options.
void add_answer_options(CLI::App& verb, AnswerOptions* options);

// What was done to the texts besides answering them is said on standard error, not hidden.
void report_totals(const StreamTotals& totals, const ModelInfo& model);

// Reads the inputs, sends them and writes a line for each to standard output.
Result<void> run_answer_verb(const AnswerOptions& options, InputFields fields,
                             const std::function<Result<StreamedVerb>(Engine& engine, OutputFile& output)>& make);

// A verb that sends the texts as a Request, made by `fill`, and writes with `write` the members of answer number `item`
// behind {"index":…, telling whether the model saw the whole text.
template <typename Request>
StreamedVerb line_verb(
    Engine& engine, OutputFile& output, std::function<Request(std::vector<InputText> texts)> fill,
    std::function<TextEnd(const typename Request::Response& response, size_t item, JsonWriter* json)> write) {
  using Response = typename Request::Response;
  StreamedVerb verb;
  verb.submit = [&engine, &output, fill = std::move(fill), write = std::move(write)](
                    std::vector<InputText> texts, std::function<void(Result<AnswerWriter>)> done) {
    engine.submit(fill(std::move(texts)), [&output, write, done = std::move(done)](Result<Response> response) {
      if (!response) return done(std::unexpected(std::move(response).error()));
      const auto shared = std::make_shared<const Response>(std::move(*response));
      done([&output, write, shared](size_t item, uint64_t index) -> Result<TextEnd> {
        JsonWriter json;
        json.begin_object().key("index").value(index);
        const TextEnd end = write(*shared, item, &json);
        if (end == TextEnd::kCut) json.key("truncated").value(true);
        RETURN_IF_ERROR(output.write(json.end_object().take() + "\n"));
        return end;
      });
    });
  };
  verb.write_problem = [&output](uint64_t index, std::string_view problem) {
    JsonWriter json;
    json.begin_object().key("index").value(index).key("error").value(problem);
    return output.write(json.end_object().take() + "\n");
  };
  verb.flush = [&output] { return output.flush(); };
  return verb;
}

}  // namespace vivace
