#include "text/post_processor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "text/post_processor_json.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

using Kind = TemplatePiece::Kind;

// What stands for one of the package's encodings while the processors are applied.
using Encodings = std::vector<std::vector<TemplatePiece>>;

bool is_text(const TemplatePiece& piece) {
  return piece.kind != Kind::kSpecialToken;
}

void set_type_ids(int32_t type_id, std::vector<TemplatePiece>* encoding) {
  for (TemplatePiece& piece : *encoding) piece.type_id = type_id;
}

void add_trims(bool add_prefix_space, const Encodings& encodings, TokenLayout* layout) {
  for (const auto& encoding : encodings) {
    for (const TemplatePiece& piece : encoding) {
      if (!is_text(piece)) continue;
      auto& trims = layout->trims[piece.kind == Kind::kFirstText ? 0 : 1];
      trims.push_back({.add_prefix_space = add_prefix_space, .text_is_first = piece == encoding.front()});
    }
  }
}

// [CLS] A [SEP], and for a second text B [SEP] or, RoBERTa's way, [SEP] B [SEP].
void surround(const ProcessorStep& step, Encodings* encodings) {
  const bool is_roberta = step.kind == ProcessorStep::Kind::kRoberta;
  for (size_t i = 0; i < encodings->size(); ++i) {
    auto& encoding = (*encodings)[i];
    const int32_t type_id = i == 0 || is_roberta ? 0 : 1;
    if (i == 0) encoding.insert(encoding.begin(), {Kind::kSpecialToken, step.cls_id, 0});
    if (i > 0 && is_roberta) encoding.insert(encoding.begin(), {Kind::kSpecialToken, step.sep_id, 0});
    encoding.push_back({Kind::kSpecialToken, step.sep_id, type_id});
  }
}

Encodings fill_template(const std::vector<TemplatePiece>& pieces, SpecialTokens special_tokens, Encodings encodings) {
  Encodings result;
  for (const TemplatePiece& piece : pieces) {
    if (is_text(piece)) {
      auto& encoding = encodings[piece.kind == Kind::kFirstText ? 0 : 1];
      set_type_ids(piece.type_id, &encoding);
      result.push_back(encoding);
    } else if (special_tokens == SpecialTokens::kAdd) {
      result.push_back({piece});
    }
  }
  return result;
}

TokenLayout make_layout(const std::vector<ProcessorStep>& steps, Encodings encodings, SpecialTokens special_tokens) {
  const bool is_pair = encodings.size() == 2;
  TokenLayout layout;
  for (const ProcessorStep& step : steps) {
    switch (step.kind) {
      case ProcessorStep::Kind::kByteLevel:
      case ProcessorStep::Kind::kRoberta:
        if (step.trim_offsets) add_trims(step.add_prefix_space, encodings, &layout);
        if (step.kind == ProcessorStep::Kind::kByteLevel) break;
        for (auto& encoding : encodings) set_type_ids(0, &encoding);
        [[fallthrough]];
      case ProcessorStep::Kind::kBert:
        if (special_tokens == SpecialTokens::kAdd) surround(step, &encodings);
        break;
      case ProcessorStep::Kind::kTemplate:
        encodings = fill_template(is_pair ? step.pair : step.single, special_tokens, std::move(encodings));
        break;
    }
  }
  for (const auto& encoding : encodings) layout.pieces.insert(layout.pieces.end(), encoding.begin(), encoding.end());
  return layout;
}

bool places_both_texts(const ProcessorStep& step) {
  const auto count = [&](Kind kind) {
    return std::count_if(step.pair.begin(), step.pair.end(), [&](const auto& piece) { return piece.kind == kind; });
  };
  return step.kind != ProcessorStep::Kind::kTemplate || (count(Kind::kFirstText) == 1 && count(Kind::kSecondText) == 1);
}

Result<void> check_ids(const std::vector<TemplatePiece>& pieces, size_t vocabulary_size, const std::string& path) {
  for (const TemplatePiece& piece : pieces) {
    if (is_text(piece) || static_cast<size_t>(piece.id) < vocabulary_size) continue;
    return error(StatusCode::kCorruptFile, path + ": token id " + std::to_string(piece.id) +
                                               " is not in the vocabulary of " + std::to_string(vocabulary_size));
  }
  return {};
}

}  // namespace

size_t TokenLayout::special_count() const {
  return static_cast<size_t>(std::count_if(pieces.begin(), pieces.end(), [](const auto& p) { return !is_text(p); }));
}

void trim_offsets(std::span<const OffsetTrim> trims, std::span<const TokenBlanks> blanks,
                  std::span<TokenOffset> offsets) {
  for (const OffsetTrim& trim : trims) {
    for (size_t i = 0; i < offsets.size(); ++i) {
      TokenOffset& offset = offsets[i];
      int32_t leading = static_cast<int32_t>(blanks[i].leading);
      const int32_t trailing = static_cast<int32_t>(blanks[i].trailing);
      const bool is_first = (i == 0 && trim.text_is_first) || offset.begin == 0;
      if (is_first && trim.add_prefix_space && leading == 1) leading = 0;
      offset.begin = std::min(offset.begin + leading, offset.end);
      if (offset.end >= trailing) offset.end = std::max(offset.end - trailing, offset.begin);
    }
  }
}

Result<PostProcessor> PostProcessor::read(const JsonValue& root, size_t vocabulary_size) {
  const JsonValue processor = optional_part(root, "post_processor");
  ASSIGN_OR_RETURN(const std::vector<ProcessorStep> steps, read_processor_steps(processor));
  const TemplatePiece first{.kind = Kind::kFirstText, .type_id = 0};
  const TemplatePiece second{.kind = Kind::kSecondText, .type_id = 1};
  const auto both = [&](const Encodings& texts) {
    return Layouts{make_layout(steps, texts, SpecialTokens::kAdd), make_layout(steps, texts, SpecialTokens::kOmit)};
  };
  PostProcessor result;
  result.m_single = both({{first}});
  RETURN_IF_ERROR(check_ids(result.m_single[0].pieces, vocabulary_size, processor.path()));
  if (std::all_of(steps.begin(), steps.end(), places_both_texts)) {
    result.m_pair = both({{first}, {second}});
    RETURN_IF_ERROR(check_ids((*result.m_pair)[0].pieces, vocabulary_size, processor.path()));
  }
  return result;
}

}  // namespace vivace
