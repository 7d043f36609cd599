// The header of a packed file, shared by its reader and its writer.
#pragma once

#include <cstdint>

namespace vivace {

inline constexpr char kPackedMagic[8] = {'V', 'I', 'V', 'A', 'C', 'E', 'P', 'K'};
inline constexpr uint64_t kPackedAlignment = 64;

// In the byte order of the machine, which for all that have a kernel table is little-endian.
struct PackedHeader {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
  uint64_t index_begin;
  uint64_t index_bytes;
  uint64_t file_bytes;
  uint64_t checksum;  // of the bytes behind the header
  uint64_t unused[2];
};
static_assert(sizeof(PackedHeader) == kPackedAlignment);

}  // namespace vivace
