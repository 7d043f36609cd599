// A progress line on standard error, redrawn in place; shown only on a terminal, so that logs stay clean.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace vivace {

enum class ProgressUnit { kTexts, kBytes };

// "  42% ███████░░░░ 1,240 texts  310/s  ETA 0:12": the line's text without control characters. fraction: how much of
// the whole is done, nullopt when the whole is not known.
std::string progress_line(const std::string& label, ProgressUnit unit, uint64_t done, std::optional<double> fraction,
                          double seconds);

// Not thread-safe: one thread draws.
class Progress {
 public:
  Progress(std::string label, ProgressUnit unit);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws at most ten times a second.
  void update(uint64_t done, std::optional<double> fraction);
  // Draws the last state and ends the line.
  void finish();
  // Does not count what was done before, such as the part of a file that a resumed download had already.
  void start_at(uint64_t done) { m_first = done; }

 private:
  void draw();
  std::string m_label;
  ProgressUnit m_unit;
  bool m_shown;
  bool m_drawn = false;
  uint64_t m_first = 0;
  uint64_t m_done = 0;
  std::optional<double> m_fraction;
  std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point m_last_draw;
};

}  // namespace vivace
