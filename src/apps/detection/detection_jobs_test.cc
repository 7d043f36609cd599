#include "apps/detection/detection_jobs.h"

#include <atomic>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "apps/detection/callback_client.h"
#include "apps/detection/detection_testing.h"
#include "base/json.h"

namespace vivace {
namespace {

using ::testing::HasSubstr;

class DetectionJobsTest : public ::testing::Test {
 protected:
  DetectionJobsTest() {
    m_options.file = ::testing::TempDir() + "detection_jobs_" + std::to_string(::getpid()) + ".db";
    m_options.sentences_a_turn = 2;
    remove();
  }
  ~DetectionJobsTest() override { remove(); }

  std::unique_ptr<DetectionJobs> open(DetectionJobs::FindDetector find) {
    auto jobs = DetectionJobs::open(m_options, std::move(find), m_stats);
    EXPECT_TRUE(jobs) << jobs.error().message;
    return std::move(*jobs);
  }
  std::unique_ptr<DetectionJobs> open() {
    return open([engine = m_engine] { return Detector::make(engine, {}); });
  }
  static std::unique_ptr<DetectionJobs> never(DetectionJobsTest& test) {
    return test.open([]() -> Result<Detector> { return error(StatusCode::kUnavailable, "still loading"); });
  }
  static DetectionJobRequest request(size_t count) {
    DetectionJobRequest made;
    for (size_t i = 0; i < count; ++i) made.sentences.push_back("job sentence " + std::to_string(i));
    return made;
  }
  static JobRecord wait_for_end(DetectionJobs& jobs, const std::string& id) {
    for (;;) {
      JobRecord job = jobs.find(id).value();
      if (job.status != JobStatus::kPending && job.status != JobStatus::kProcessing) return job;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  // Counts follow what the store shows: they may come a moment later.
  static void wait_for(const Counter& counter, uint64_t count) {
    while (counter.value() < count) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(counter.value(), count);
  }
  void remove() const {
    for (const char* ending : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(m_options.file + ending);
  }

  std::shared_ptr<Engine> m_engine = golden_detector();
  DetectionStats m_stats;
  DetectionJobOptions m_options;
};

TEST_F(DetectionJobsTest, JobIsComputedAndDescribed) {
  const auto jobs = open();
  const JobRecord job = jobs->submit(request(5)).value();
  EXPECT_EQ(job.status, JobStatus::kPending);
  EXPECT_EQ(wait_for_end(*jobs, job.id).status, JobStatus::kComplete);
  const std::string text = jobs->describe(job.id).value();
  const auto document = JsonDocument::parse(text, "job").value();
  EXPECT_EQ(document.root().get("progress")->as_double().value(), 1.0);
  const JsonValue result = document.root().get("result").value();
  EXPECT_EQ(result.get("probabilities")->as_array()->size(), 5U);
  EXPECT_EQ(result.get("metadata")->get("total_words")->as_integer(0, 100).value(), 15);
  EXPECT_EQ(result.get("metadata")->get("model_version")->as_string().value(), "detector-deberta");
  EXPECT_GT(result.get("metadata")->get("processing_time_ms")->as_double().value(), 0.0);
  wait_for(m_stats.jobs_complete, 1);
  EXPECT_EQ(m_stats.sentences.value(), 5U);
}

TEST_F(DetectionJobsTest, JobWaitsForTheModelAndGoesOnInAnotherProcess) {
  std::string id;
  {
    const auto jobs = never(*this);
    id = jobs->submit(request(3))->id;
  }
  const auto jobs = open();
  EXPECT_EQ(wait_for_end(*jobs, id).done, 3U);
}

TEST_F(DetectionJobsTest, WrongModelFailsTheJobWithTheReason) {
  const auto jobs = open([]() -> Result<Detector> { return error(StatusCode::kUnsupported, "not a detector"); });
  const std::string id = jobs->submit(request(1))->id;
  EXPECT_EQ(wait_for_end(*jobs, id).status, JobStatus::kFailed);
  EXPECT_THAT(jobs->describe(id).value(), HasSubstr(R"("status":"failed")"));
  EXPECT_THAT(jobs->describe(id).value(), HasSubstr(R"("error":"not a detector")"));
}

TEST_F(DetectionJobsTest, CancelledJobStaysCancelled) {
  const auto jobs = never(*this);
  const std::string id = jobs->submit(request(4))->id;
  EXPECT_EQ(jobs->cancel(id)->status, JobStatus::kCancelled);
  EXPECT_THAT(jobs->cancel(id).error().message, HasSubstr("is cancelled already"));
  EXPECT_EQ(jobs->cancel("nobody").error().code, StatusCode::kNotFound);
  EXPECT_EQ(jobs->find(id)->done, 0U);
}

TEST_F(DetectionJobsTest, TooManyJobsAreRefused) {
  m_options.max_waiting = 2;
  const auto jobs = never(*this);
  ASSERT_TRUE(jobs->submit(request(1)));
  ASSERT_TRUE(jobs->submit(request(1)));
  EXPECT_EQ(jobs->submit(request(1)).error().code, StatusCode::kOverloaded);
}

TEST_F(DetectionJobsTest, StoppedJobsCanBeAskedForAndGoOnLater) {
  const auto jobs = never(*this);
  const std::string first = jobs->submit(request(1))->id;
  jobs->stop();
  jobs->stop();
  EXPECT_THAT(jobs->describe(first).value(), HasSubstr(R"("status":"p)"));  // pending, or its turn was cut short
  const auto second = jobs->submit(request(1));
  ASSERT_TRUE(second);
  EXPECT_EQ(jobs->find(second->id)->status, JobStatus::kPending);
}

TEST_F(DetectionJobsTest, EndedJobsExpire) {
  m_options.keep = std::chrono::milliseconds(1);
  const auto jobs = open();
  const std::string id = jobs->submit(request(1))->id;
  while (jobs->find(id)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  wait_for(m_stats.jobs_expired, 1);
}

TEST(CallbackClient, OnlyListedHosts) {
  const std::vector<std::string> hosts = {"hooks.example.org", "localhost:9000"};
  EXPECT_TRUE(check_callback("https://hooks.example.org/done?x=1", hosts));
  EXPECT_TRUE(check_callback("http://hooks.example.org:8080/", hosts));
  EXPECT_TRUE(check_callback("http://LOCALHOST:9000/", hosts));
  for (const char* url : {"http://localhost:9001/", "http://localhost/", "https://hooks.example.org.evil.com/",
                          "https://evil.com/hooks.example.org", "ftp://hooks.example.org/", "hooks.example.org",
                          "http://user@hooks.example.org/", "http://hooks.example.org@evil.com/", ""}) {
    EXPECT_FALSE(check_callback(url, hosts)) << url;
  }
  EXPECT_THAT(check_callback("https://hooks.example.org/", {}).error().message,
              HasSubstr("callbacks are switched off"));
}

}  // namespace
}  // namespace vivace
