// Checksums of downloads: SHA-256 of large files, and git's blob id (SHA-1 over "blob <size>\0" and the bytes) of small
// ones, which is what a hub names in its headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vivace {

class Digest {
 public:
  static Digest sha256();
  static Digest git_blob(uint64_t size);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  void update(std::string_view bytes);
  std::string hex();  // once, at the end

 private:
  struct State;
  explicit Digest(std::unique_ptr<State> state);
  std::unique_ptr<State> m_state;
};

}  // namespace vivace
