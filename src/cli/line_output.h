// Lines written to a file descriptor by a thread of its own, in the order in which they are given: whoever has an
// answer need not wait for the reader at the other end.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/status.h"

namespace vivace {

class LineOutput {
 public:
  static constexpr size_t kMostWaitingBytes = size_t{16} << 20;

  // The descriptor stays open and the caller's. broken is requested to stop when nobody reads any more.
  LineOutput(int descriptor, std::stop_source broken);
  ~LineOutput();  // close()
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;

  // Thread-safe; never waits. keep: owned until the line is written, and let go on the output's thread.
  void write(std::string line, std::shared_ptr<const void> keep = nullptr);
  // Waits until fewer than kMostWaitingBytes wait: what a producer that can be slowed down does first.
  void wait_for_room();
  // Writes what is left; once, and the last of all calls. kInternal when something could not be written, but not
  // because the reader had gone.
  Result<void> close();

 private:
  struct Line {
    std::string text;
    std::shared_ptr<const void> keep;
  };
  void run();
  bool write_all(const std::string& text);

  const int m_descriptor;
  std::stop_source m_broken;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Line> m_lines;
  size_t m_waiting_bytes = 0;
  bool m_ended = false;
  int m_failure = 0;  // errno of the writing that failed
  std::thread m_thread;
};

}  // namespace vivace
