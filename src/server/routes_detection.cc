#include "server/routes_detection.h"

#include <chrono>
#include <memory>

#include <fmt/format.h>

#include "apps/detection/detection_json.h"
#include "apps/detection/job_json.h"
#include "server/await_callback.h"
#include "server/await_worker.h"
#include "server/detection_requests.h"
#include "server/detection_service.h"
#include "server/model_wait.h"

namespace vivace {
namespace {

constexpr size_t kMostListedJobs = 100;

HttpResponse json_response(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

std::string answer_body(const DetectionJobRequest& task, DetectResponse response, const Detector& detector, double ms) {
  DetectionAnswer answer;
  answer.sentences.assign(task.sentences.begin(), task.sentences.end());
  answer.scores = std::move(response.sentences);
  answer.model_version = detector.model_version();
  answer.processing_ms = ms;
  answer.cached = response.cached;
  answer.details = task.details;
  JsonWriter json;
  write_answer(answer, &json);
  return json.take();
}

void count(const DetectResponse& response, double seconds, DetectionStats* stats) {
  stats->requests.add();
  stats->sentences.add(response.sentences.size());
  stats->cached.add(response.cached);
  for (const SentenceScore& score : response.sentences) {
    stats->words.add(score.probabilities.size());
    stats->truncated_words.add(score.truncated_words);
  }
  stats->seconds.observe(seconds);
}

// That the model named 'detector' is none is nothing that a client can mend.
Status server_side(Status problem) {
  if (problem.code == StatusCode::kUnsupported) problem.code = StatusCode::kUnavailable;
  return problem;
}

boost::asio::awaitable<Reply> predict_sentences(RequestContext& context) {
  DetectionService& service = *context.server.detection;
  const auto start = std::chrono::steady_clock::now();
  const auto task = parse_predict_request(context.request.body, service);
  if (!task) co_return std::unexpected(task.error());
  auto detector = service.find_detector();
  if (!detector && detector.error().code == StatusCode::kUnavailable) {
    co_await await_loading(context.server.models, kDetectorModel, ModelKind::kEncoder, context.deadline,
                           context.cancel);
    detector = service.find_detector();
  }
  if (!detector) co_return std::unexpected(ApiError(server_side(detector.error())));
  DetectRequest request{
      .sentences = task->sentences, .rule = task->rule, .deadline = context.deadline, .cancel = context.cancel};
  auto result = co_await await_callback<Result<DetectResponse>>(
      [&](Detector::Done done) { detector->submit(std::move(request), std::move(done)); });
  if (!result) co_return std::unexpected(ApiError(std::move(result).error()));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  count(*result, taken.count(), &service.stats);
  co_return json_response(answer_body(*task, std::move(*result), *detector, taken.count() * 1000));
}

// What asks the file of jobs, which other processes may keep busy and in which results can be long, runs aside.
Reply predict_batch(const RequestContext& context) {
  DetectionService& service = *context.server.detection;
  const auto task = parse_batch_request(context.request.body, service);
  if (!task) return std::unexpected(task.error());
  ASSIGN_OR_RETURN(const std::shared_ptr<DetectionJobs> jobs, service.jobs());
  // A job can wait for a model that is being loaded, not for one that will never do.
  const auto detector = service.find_detector();
  if (!detector && detector.error().code == StatusCode::kUnsupported) {
    return std::unexpected(ApiError(server_side(detector.error())));
  }
  ASSIGN_OR_RETURN(const JobRecord job, jobs->submit(*task));
  JsonWriter json;
  json.begin_object().key("job_id").value(job.id).key("status").value(job_status_name(job.status));
  return json_response(json.key("total_sentences").value(job.total).end_object().take());
}

Reply get_job(const RequestContext& context) {
  ASSIGN_OR_RETURN(const std::shared_ptr<DetectionJobs> jobs, context.server.detection->jobs());
  ASSIGN_OR_RETURN(std::string body, jobs->describe(context.request.path_argument));
  return json_response(std::move(body));
}

Reply list_jobs(const RequestContext& context) {
  ASSIGN_OR_RETURN(const std::shared_ptr<DetectionJobs> jobs, context.server.detection->jobs());
  ASSIGN_OR_RETURN(const std::vector<JobRecord> newest, jobs->newest(kMostListedJobs));
  JsonWriter json;
  json.begin_object().key("jobs").begin_array();
  for (const JobRecord& job : newest) json.raw(write_job(job));
  return json_response(json.end_array().end_object().take());
}

Reply cancel_job(const RequestContext& context) {
  ASSIGN_OR_RETURN(const std::shared_ptr<DetectionJobs> jobs, context.server.detection->jobs());
  const auto job = jobs->cancel(context.request.path_argument);
  if (job) return json_response(write_job(*job));
  ApiError error(job.error());
  if (error.status.code == StatusCode::kInvalidArgument) error.http_status = 409;
  return std::unexpected(std::move(error));
}

Reply detection_status(const RequestContext& context) {
  DetectionService& service = *context.server.detection;
  const auto detector = service.find_detector();
  JsonWriter json;
  json.begin_object().key("status").value("healthy").key("model_loaded").value(detector.has_value());
  json.key("model_version");
  if (detector) {
    json.value(detector->model_version());
  } else {
    json.null().key("problem").value(detector.error().message);
  }
  json.key("device").value("cpu").key("limits").begin_object();
  json.key("max_sentences").value(static_cast<uint64_t>(service.limits.max_sentences));
  json.key("max_words_per_sentence").value(static_cast<uint64_t>(service.limits.max_words));
  json.key("max_job_sentences").value(static_cast<uint64_t>(service.job_limits.max_sentences)).end_object();
  const auto jobs = service.jobs();
  json.key("jobs").value(jobs.has_value()).key("jobs_waiting").value(service.stats.jobs_waiting.value());
  return json_response(json.end_object().take());
}

std::string sentences_schema(const ApiFacts& facts, size_t max_items, std::string_view more) {
  return fmt::format(
      R"({{"type":"object","required":["sentences"],"properties":{{)"
      R"("sentences":{{"type":"array","minItems":1,"maxItems":{},)"
      R"("items":{{"type":"string","pattern":"\\S","description":"At most {} words"}}}},)"
      R"("details":{{"type":["boolean","null"],"default":false,"description":"Words, average and class of each sentence"}},)"
      R"("compat_offsets":{{"type":["boolean","null"],"default":false,)"
      R"("description":"Count only tokens fully inside a word"}}{}}}}})",
      max_items, facts.detection_max_words, more);
}

constexpr char kPredictResponse[] =
    R"({"type":"object","required":["probabilities","metadata"],"properties":{)"
    R"("probabilities":{"type":"array","items":{"type":"array","items":{"type":"number","minimum":0,"maximum":1}}},)"
    R"("metadata":{"type":"object","required":["model_version","processing_time_ms","total_words"],"properties":{)"
    R"("model_version":{"type":"string"},"processing_time_ms":{"type":"number"},"total_words":{"type":"integer"},)"
    R"("truncated_words":{"type":"integer","description":"Past the model's limit, read in windows"},)"
    R"("cached_sentences":{"type":"integer"}}},)"
    R"("sentences":{"type":"array","items":{"type":"object","properties":{)"
    R"("words":{"type":"array","items":{"type":"string"}},"probabilities":{"type":"array","items":{"type":"number"}},)"
    R"("avg_probability":{"type":"number"},"classification":{"enum":["ai_generated","human_written","mixed"]},)"
    R"("truncated_words":{"type":"integer"}}}}}})";
constexpr char kBatchResponse[] =
    R"({"type":"object","required":["job_id","status","total_sentences"],"properties":{)"
    R"("job_id":{"type":"string"},"status":{"const":"pending"},"total_sentences":{"type":"integer"}}})";
constexpr char kJob[] =
    R"({"type":"object","required":["job_id","status","progress"],"properties":{"job_id":{"type":"string"},)"
    R"("status":{"enum":["pending","processing","complete","failed","cancelled"]},)"
    R"("progress":{"type":"number","minimum":0,"maximum":1},"total_sentences":{"type":"integer"},)"
    R"("created_at":{"type":"string"},"error":{"type":"string"},)"
    R"("result":{"$ref":"#/components/schemas/PredictResponse"}}})";
constexpr char kJobList[] = R"({"type":"object","required":["jobs"],"properties":{"jobs":{"type":"array","items":)"
                            R"({"$ref":"#/components/schemas/DetectionJob"}}}})";
constexpr char kStatus[] =
    R"({"type":"object","required":["status","model_loaded","model_version","device"],"properties":{)"
    R"("status":{"const":"healthy"},"model_loaded":{"type":"boolean"},"model_version":{"type":["string","null"]},)"
    R"("device":{"type":"string"},"problem":{"type":"string"},"limits":{"type":"object"},"jobs":{"type":"boolean"},)"
    R"("jobs_waiting":{"type":"integer"}}})";

std::vector<Schema> schemas(const ApiFacts& facts) {
  constexpr std::string_view kCallback = R"(,"callback_url":{"type":["string","null"],"description":)"
                                         R"("Called with the job when it has ended; its host must be allowed"})";
  return {{"PredictRequest", sentences_schema(facts, facts.detection_max_sentences, "")},
          {"PredictResponse", kPredictResponse},
          {"BatchRequest", sentences_schema(facts, facts.detection_max_job_sentences, kCallback)},
          {"BatchResponse", kBatchResponse},
          {"DetectionJob", kJob},
          {"DetectionJobList", kJobList},
          {"DetectionStatus", kStatus}};
}

Route route(Method method, std::string_view path, std::variant<ImmediateHandler, WaitingHandler> handler,
            OperationDoc doc) {
  return {.method = method,
          .path = path,
          .family = ApiFamily::kDetail,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

}  // namespace

RouteGroup detection_routes() {
  const std::vector<int> body_errors = {408, 411, 413, 415, 422, 429, 500, 503, 504};
  return {{route(Method::kPost, "/api/v1/predict/sentences", predict_sentences,
                 {.id = "predictSentences",
                  .summary = "How likely each word of sentences was written by AI",
                  .request_schema = "PredictRequest",
                  .response_schema = "PredictResponse",
                  .errors = body_errors}),
           route(Method::kPost, "/api/v1/predict/batch", aside<predict_batch>,
                 {.id = "predictBatch",
                  .summary = "The same in the background, for many sentences",
                  .request_schema = "BatchRequest",
                  .response_schema = "BatchResponse",
                  .errors = body_errors}),
           route(Method::kGet, "/api/v1/jobs", aside<list_jobs>,
                 {.id = "listDetectionJobs",
                  .summary = "The newest jobs",
                  .response_schema = "DetectionJobList",
                  .errors = {422, 429, 500, 503, 504}}),
           route(Method::kGet, "/api/v1/jobs/{job_id}", aside<get_job>,
                 {.id = "getDetectionJob",
                  .summary = "A job, with its result when it is complete",
                  .response_schema = "DetectionJob",
                  .errors = {404, 422, 429, 500, 503, 504}}),
           route(Method::kDelete, "/api/v1/jobs/{job_id}", aside<cancel_job>,
                 {.id = "cancelDetectionJob",
                  .summary = "Ends a job that has not ended",
                  .response_schema = "DetectionJob",
                  .errors = {404, 409, 422, 429, 500, 503, 504}}),
           route(Method::kGet, "/api/v1/detection/status", detection_status,
                 {.id = "detectionStatus",
                  .summary = "Whether the detector is loaded, its limits and its jobs",
                  .response_schema = "DetectionStatus",
                  .errors = {422}})},
          schemas};
}

}  // namespace vivace
