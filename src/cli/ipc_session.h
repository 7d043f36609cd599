// The protocol of `vivace ipc`: JSON objects, one a line, in and out.
//
//   {"type":"ping","id":1}                      → {"id":1,"type":"pong","timestamp":…,"message":…}
//   {"type":"status","id":2}                    → {"id":2,"type":"status","uptime":…,"memoryMB":…,"freeMB":…,…}
//   {"type":"infer","id":3,"code":"def add("}   → {"id":3,"type":"completion","text":…,"latencyMs":…,…}
//   {"type":"cancel","id":4,"target":3}         → {"id":4,"type":"cancelled","target":3,"cancelled":true}, and for 3
//                                                 what was written so far; without target the id itself is meant
//   anything else                               → {"id":…,"type":"error","message":…}
// Completions are written as they get ready, the others at once: the id tells which is which. An id is any string or
// number.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "apps/completion/completion_json.h"
#include "apps/completion/completion_service.h"
#include "cli/line_output.h"

namespace vivace {

class IpcSession {
 public:
  static constexpr size_t kMaxLineBytes = size_t{8} << 20;
  static constexpr size_t kMaxInFlight = 1024;
  static constexpr size_t kMaxIdBytes = 256;

  // Both must outlive the session.
  IpcSession(CompletionService& service, const CompletionModels& models, LineOutput& output);

  // Answers all that would be completed with this error. Before the first line.
  void complete_nothing(std::string_view why) { m_nothing_because = why; }
  // One line of input. From one thread.
  void take(std::string_view line);
  // Of a line that could not be read as a whole.
  void refuse_line(std::string_view why) { refuse("", why); }
  // Completions that were asked for earlier start now; their deadlines count from here. Any thread, once.
  void models_loaded();
  void cancel_all();
  // Waits until everything is answered.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Infer {
    std::string id;  // as JSON
    std::string body;
    Clock::time_point start = Clock::now();
    std::stop_source stop;
  };

  void pong(std::string_view id);
  void status(std::string_view id);
  void infer(std::string_view id, std::string_view line);
  void cancel(std::string_view id, const JsonValue& message);
  void start(const std::shared_ptr<Infer>& infer);
  void answer(const Infer& infer, const CompletionEcho& echo, Result<Completion> completion);
  void refuse(std::string_view id, std::string_view message, const Infer* infer = nullptr);
  void forget(const Infer& infer);

  CompletionService& m_service;
  const CompletionModels& m_models;
  LineOutput& m_output;
  const Clock::time_point m_start = Clock::now();
  std::string m_nothing_because;  // empty: there are models

  std::mutex m_mutex;
  std::condition_variable m_idle;
  std::map<std::string, std::shared_ptr<Infer>, std::less<>> m_in_flight;  // by id
  std::vector<std::shared_ptr<Infer>> m_parked;                            // until the models are loaded
  bool m_loaded = false;
  size_t m_unanswered = 0;  // more than are in flight while an answer is written
  uint64_t m_completions = 0;
};

}  // namespace vivace
