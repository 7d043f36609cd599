#include "text/truncation.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace vivace {
namespace {

constexpr size_t kMaxWindowTokens = size_t{1} << 26;

// The shorter text keeps up to half of the limit, the longer one what is left; of an odd limit the longer one has the
// larger half, and the second where both are equally long.
PairLengths cut_longest(PairLengths lengths, size_t limit) {
  const bool first_is_longer = lengths.first > lengths.second;
  size_t shorter = std::min(lengths.first, lengths.second);
  size_t longer = shorter > limit ? shorter : std::max(shorter, limit - shorter);
  if (shorter + longer > limit) {
    shorter = limit / 2;
    longer = shorter + limit % 2;
  }
  return first_is_longer ? PairLengths{longer, shorter} : PairLengths{shorter, longer};
}

}  // namespace

Result<PairLengths> truncate_pair(PairLengths lengths, size_t limit, TruncationStrategy strategy) {
  const size_t total = lengths.first + lengths.second;
  if (total <= limit) return lengths;
  if (limit == 0) return PairLengths{};
  if (strategy == TruncationStrategy::kLongestFirst) return cut_longest(lengths, limit);
  const bool cuts_first = strategy == TruncationStrategy::kOnlyFirst;
  size_t& cut = cuts_first ? lengths.first : lengths.second;
  const size_t excess = total - limit;
  if (cut <= excess) {
    return error(StatusCode::kInvalidArgument, std::string("the ") + (cuts_first ? "first" : "second") +
                                                   " text of the pair is too short to cut the pair to " +
                                                   std::to_string(limit) +
                                                   " tokens; let the longest text be cut first");
  }
  cut -= excess;
  return lengths;
}

TokenRange kept_range(size_t count, size_t limit, TruncationSide side) {
  if (count <= limit) return {0, count};
  return side == TruncationSide::kRight ? TokenRange{0, limit} : TokenRange{count - limit, count};
}

Result<std::vector<TokenRange>> window_ranges(size_t count, size_t limit, size_t stride, TruncationSide side) {
  CHECK(stride < limit);
  std::vector<TokenRange> ranges{kept_range(count, limit, side)};
  const size_t step = limit - stride;
  if (count / step > kMaxWindowTokens / limit) {
    return error(StatusCode::kTooLarge, "windows of " + std::to_string(limit) + " tokens that repeat " +
                                            std::to_string(stride) + " make too much of a text of " +
                                            std::to_string(count) + " tokens; use a smaller stride");
  }
  if (side == TruncationSide::kRight) {
    for (size_t begin = step; ranges.back().end < count; begin += step) {
      ranges.push_back({begin, std::min(begin + limit, count)});
    }
  } else {
    for (size_t end = count; ranges.back().begin > 0;) {
      end -= step;
      ranges.push_back({end > limit ? end - limit : 0, end});
    }
  }
  return ranges;
}

}  // namespace vivace
