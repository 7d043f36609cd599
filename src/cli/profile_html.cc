#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/html_page.h"
#include "cli/profile_page.h"
#include "cli/profile_report.h"

namespace vivace {
namespace {

std::string bar(double share) {
  return fmt::format("<td class=\"bar\"><div style=\"width:{:.1f}%\"></div></td>", std::clamp(share, 0.0, 1.0) * 100);
}

std::string matrix(std::span<const ModelProfile> profiles) {
  std::string rows;
  for (const ModelProfile& profile : profiles) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.3f}</td><td>{:.1f}</td><td>{}</td></tr>\n",
                        escape_html(profile.model.directory), bottleneck_name(profile.bottleneck()),
                        profile.end_to_end.times.p99_ms, profile.end_to_end.cpu_percent,
                        profile.gpu_worth_a_look() ? "YES" : "NO");
  }
  return rows;
}

std::string stages(const ModelProfile& profile) {
  std::string table =
      "<table>\n<tr><th>stage</th><th>p50</th><th>p95</th><th>p99</th><th>mean</th><th>std</th><th>CPU %</th>"
      "<th>of a call</th></tr>\n";
  for (const auto* stage : {&profile.tokenization, &profile.inference, &profile.end_to_end}) {
    table += fmt::format(
        "<tr><td>{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.1f}</td>{}</"
        "tr>\n",
        stage->name, stage->times.p50_ms, stage->times.p95_ms, stage->times.p99_ms, stage->mean_ms, stage->std_ms,
        stage->cpu_percent, bar(stage->mean_ms / profile.end_to_end.mean_ms));
  }
  return table + "</table>\n";
}

std::string batches(const ModelProfile& profile) {
  const double most = std::ranges::max_element(profile.batches, {}, &BatchScaling::texts_per_s)->texts_per_s;
  std::string table = "<table>\n<tr><th>batch size</th><th>p50</th><th>p99</th><th>texts/s</th><th></th></tr>\n";
  for (const BatchScaling& row : profile.batches) {
    table += fmt::format("<tr><td>{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.1f}</td>{}</tr>\n", row.batch_size,
                         row.times.p50_ms, row.times.p99_ms, row.texts_per_s, bar(row.texts_per_s / most));
  }
  return table + "</table>\n";
}

std::string zones(const ModelProfile& profile) {
  int64_t all = 1;
  for (const ZoneTotal& zone : profile.zones) all += zone.self_ns;
  std::string table = "<table>\n<tr><th>zone</th><th>calls</th><th>own ms</th><th>share</th></tr>\n";
  for (const ZoneTotal& zone : profile.zones) {
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.2f}</td>{}</tr>\n", escape_html(zone.name), zone.calls,
                         static_cast<double>(zone.self_ns) / 1e6,
                         bar(static_cast<double>(zone.self_ns) / static_cast<double>(all)));
  }
  return table + "</table>\n";
}

std::string section(const ModelProfile& profile) {
  const ModelInfo& model = profile.model;
  return fmt::format(
             "<h2>{}</h2>\n<p class=\"soft\">{}, {}, {}, {} threads. Loaded and warm in {:.1f} ms; memory {:.1f} MB "
             "before, {:.1f} MB after, {:.1f} MB at most. {:.1f} texts/s from one caller, {:.1f} from several.</p>\n"
             "<p><b>{}</b>: {:.0f} % of the time is arithmetic at this machine's best rate, {:.0f} % reading the "
             "weights. {}</p>\n",
             escape_html(model.directory), escape_html(model.architecture), model.precision, model.isa, model.threads,
             profile.load_ms, profile.before_load_mb, profile.after_load_mb, profile.peak_mb, profile.sequential_per_s,
             profile.concurrent_per_s, bottleneck_name(profile.bottleneck()), profile.arithmetic_share * 100,
             profile.memory_share * 100, recommendation(profile.bottleneck())) +
         stages(profile) + batches(profile) + zones(profile);
}

}  // namespace

std::string profile_html(std::span<const ModelProfile> profiles) {
  std::string sections;
  for (const ModelProfile& profile : profiles) sections += section(profile);
  const std::array<std::pair<std::string_view, std::string>, 3> values = {
      {{"recommendation", std::string(overall_recommendation(profiles))},
       {"matrix", matrix(profiles)},
       {"models", std::move(sections)}}};
  return fill_page(kProfilePage, values);
}

}  // namespace vivace
