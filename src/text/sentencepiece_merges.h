// SentencePiece's BPE models have no list of merges: any two pieces that make a third are one, earlier pieces first.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vivace {

// The merges of a vocabulary (its tokens by id), by rank, in the order that transformers puts them in.
std::vector<std::pair<std::string_view, std::string_view>> sentencepiece_merges(const std::vector<std::string>& tokens);

}  // namespace vivace
