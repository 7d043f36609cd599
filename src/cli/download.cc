#include "cli/download.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "cli/digest.h"
#include "cli/output_file.h"
#include "cli/progress.h"

namespace vivace {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 4;
constexpr auto kPause = std::chrono::milliseconds(500);
constexpr size_t kCopyBytes = size_t{1} << 20;

bool is_hex_of(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// One attempt: what has been received goes to the .part file and through the checksum.
class Attempt {
 public:
  explicit Attempt(const Download& download) : m_download(download), m_progress(download.label, ProgressUnit::kBytes) {}

  Result<HttpHead> run() {
    ASSIGN_OR_RETURN(OutputFile part, OutputFile::open(m_download.path + ".part", OutputFile::Existing::kContinue));
    m_part = &part;
    ASSIGN_OR_RETURN(m_have, part.size());
    const HttpGet get{
        .url = m_download.url, .token = m_download.token, .offset = m_have, .max_body_bytes = m_download.max_bytes};
    auto head = http_get(get, {.on_head = [this](const HttpHead& first) { return begin(first); },
                               .on_data = [this](std::string_view bytes) { return take(bytes); }});
    RETURN_IF_ERROR(part.flush());
    if (head && (head->status == 200 || head->status == 206)) RETURN_IF_ERROR(verify());
    return head;
  }

  bool received_something() const { return m_received > 0; }

 private:
  Result<void> begin(const HttpHead& head) {
    if (head.content_begin == 0) {
      RETURN_IF_ERROR(m_part->truncate(0));
      m_have = 0;
    }
    if (head.content_length) m_total = head.content_begin + *head.content_length;
    if (is_hex_of(head.linked_etag, 64)) {
      m_expected = head.linked_etag;
      m_digest = Digest::sha256();
    } else if (is_hex_of(head.etag, 40) && m_total) {
      m_expected = head.etag;
      m_digest = Digest::git_blob(*m_total);
    }
    m_progress.start_at(m_have);
    return digest_what_is_there();
  }

  Result<void> digest_what_is_there() {
    for (uint64_t at = 0; m_digest && at < m_have; at += kCopyBytes) {
      ASSIGN_OR_RETURN(const std::string bytes, m_part->read_at(at, std::min<uint64_t>(kCopyBytes, m_have - at)));
      m_digest->update(bytes);
    }
    return {};
  }

  Result<void> take(std::string_view bytes) {
    RETURN_IF_ERROR(m_part->write(bytes));
    if (m_digest) m_digest->update(bytes);
    m_have += bytes.size();
    m_received += bytes.size();
    m_progress.update(m_have, m_total && *m_total > 0
                                  ? std::optional(static_cast<double>(m_have) / static_cast<double>(*m_total))
                                  : std::nullopt);
    return {};
  }

  Result<void> verify() {
    m_progress.finish();
    if (!m_digest) {
      fmt::print(stderr, "vivace: the hub names no checksum for {}; it is kept unchecked\n", m_download.label);
      return {};
    }
    const std::string found = m_digest->hex();
    if (found == m_expected) return {};
    std::error_code ignored;
    fs::remove(m_download.path + ".part", ignored);
    return error(StatusCode::kCorruptFile, m_download.label + ": the checksum of what arrived is " + found +
                                               ", the hub says " + m_expected + "; run the command again");
  }

  const Download& m_download;
  Progress m_progress;
  OutputFile* m_part = nullptr;
  uint64_t m_have = 0;      // bytes in the part file
  uint64_t m_received = 0;  // bytes of this attempt
  std::optional<uint64_t> m_total;
  std::optional<Digest> m_digest;
  std::string m_expected;
};

Result<void> remove_part(const std::string& path) {
  std::error_code failed;
  fs::remove(path + ".part", failed);
  if (failed) return error(StatusCode::kInternal, "cannot remove " + path + ".part: " + failed.message());
  return {};
}

}  // namespace

Result<HttpHead> download_to_file(const Download& download) {
  for (int attempt = 1;; ++attempt) {
    Attempt current(download);
    auto head = current.run();
    if (!head) {
      const bool broke_off = head.error().code == StatusCode::kUnavailable && current.received_something();
      if (!broke_off || attempt == kAttempts) return head;
      std::this_thread::sleep_for(kPause * attempt);
      continue;
    }
    if (head->status == 416 && attempt < kAttempts) {
      // The part is no beginning of this file, perhaps longer than it.
      RETURN_IF_ERROR(remove_part(download.path));
      continue;
    }
    if (head->status != 200 && head->status != 206) {
      std::error_code ignored;
      if (fs::is_empty(download.path + ".part", ignored)) RETURN_IF_ERROR(remove_part(download.path));
      return head;
    }
    std::error_code failed;
    fs::rename(download.path + ".part", download.path, failed);
    if (failed) return error(StatusCode::kInternal, "cannot rename " + download.path + ".part: " + failed.message());
    return head;
  }
}

}  // namespace vivace
