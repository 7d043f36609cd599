#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace vivace {
namespace {

using std::chrono::steady_clock;
constexpr auto kRedrawAfter = std::chrono::milliseconds(100);
constexpr int kBarCells = 24;

std::string amount(ProgressUnit unit, double value) {
  if (unit == ProgressUnit::kTexts) return fmt::format("{:.0f}", value);
  if (value < 1e6) return fmt::format("{:.0f} kB", value / 1e3);
  return value < 1e9 ? fmt::format("{:.1f} MB", value / 1e6) : fmt::format("{:.2f} GB", value / 1e9);
}

std::string clock_time(double seconds) {
  const auto whole = std::lround(std::min(seconds, 359999.0));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string bar(double fraction) {
  const int full = std::clamp(static_cast<int>(fraction * kBarCells), 0, kBarCells);
  std::string cells;
  for (int i = 0; i < kBarCells; ++i) cells += i < full ? "█" : "░";
  return cells;
}

}  // namespace

std::string progress_line(const std::string& label, ProgressUnit unit, uint64_t done, std::optional<double> fraction,
                          double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const std::string noun = unit == ProgressUnit::kTexts ? " texts" : "";
  std::string line = label.empty() ? "" : label + "  ";
  if (fraction) line += fmt::format("{:3.0f}% {}  ", *fraction * 100, bar(*fraction));
  line += fmt::format("{}{}  {}{}/s", amount(unit, static_cast<double>(done)), noun, amount(unit, rate), noun);
  if (fraction && *fraction > 0 && *fraction < 1) {
    line += "  ETA " + clock_time(seconds * (1 - *fraction) / *fraction);
  } else {
    line += "  in " + clock_time(seconds);
  }
  return line;
}

Progress::Progress(std::string label, ProgressUnit unit)
    : m_label(std::move(label)), m_unit(unit), m_shown(isatty(STDERR_FILENO) != 0) {}

void Progress::update(uint64_t done, std::optional<double> fraction) {
  m_done = done;
  m_fraction = fraction;
  const auto now = steady_clock::now();
  if (!m_shown || now - m_last_draw < kRedrawAfter) return;
  m_last_draw = now;
  draw();
}

void Progress::draw() {
  const double seconds = std::chrono::duration<double>(steady_clock::now() - m_start).count();
  const uint64_t fresh = m_done > m_first ? m_done - m_first : 0;
  // "\r" goes back to the line's start, "\x1b[K" erases what the last drawing left.
  const std::string line = "\r" + progress_line(m_label, m_unit, fresh, m_fraction, seconds) + "\x1b[K";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  m_drawn = true;
}

void Progress::finish() {
  if (!m_shown) return;
  if (m_done > 0) draw();
  if (m_drawn) std::fputc('\n', stderr);
  m_shown = false;
}

}  // namespace vivace
