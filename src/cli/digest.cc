#include "cli/digest.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace vivace {

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(std::unique_ptr<State> state) : m_state(std::move(state)) {}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

Digest Digest::sha256() {
  auto state = std::make_unique<State>();
  CHECK(state->context != nullptr && EVP_DigestInit_ex(state->context, EVP_sha256(), nullptr) == 1);
  return Digest(std::move(state));
}

Digest Digest::git_blob(uint64_t size) {
  auto state = std::make_unique<State>();
  CHECK(state->context != nullptr && EVP_DigestInit_ex(state->context, EVP_sha1(), nullptr) == 1);
  Digest digest(std::move(state));
  digest.update("blob " + std::to_string(size) + std::string(1, '\0'));
  return digest;
}

void Digest::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(m_state->context, bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int count = 0;
  CHECK(EVP_DigestFinal_ex(m_state->context, bytes.data(), &count) == 1);
  std::string text;
  for (unsigned int i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace vivace
