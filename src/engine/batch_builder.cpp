// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_builder.h"

#include <utility>

#include "kv/page_pool.h"

namespace weir {

BatchBuilder::BatchBuilder(const BatchLimits& limits) : page_len_(limits.page_len) {
  const auto max_rows = static_cast<size_t>(limits.max_rows);
  const auto max_seqs = static_cast<size_t>(limits.max_seqs);
  tokens_.reserve(max_rows);
  positions_.reserve(max_rows);
  row_begin_.reserve(max_seqs + 1);
  kv_len_.reserve(max_seqs);
  pages_.reserve(static_cast<size_t>(limits.num_pages));
  page_begin_.reserve(max_seqs + 1);
  kv_slot_.reserve(max_rows);
  logit_rows_.reserve(max_seqs);
}

ForwardBatch BatchBuilder::Build(const StepPlan& step) {
  tokens_.clear();
  positions_.clear();
  row_begin_.assign(1, 0);
  kv_len_.clear();
  pages_.clear();
  page_begin_.assign(1, 0);
  kv_slot_.clear();
  logit_rows_.clear();
  for (const StepPart& part : step.parts) AddPart(part);
  return {.tokens = tokens_,
          .positions = positions_,
          .row_begin = row_begin_,
          .kv_len = kv_len_,
          .pages = pages_,
          .page_begin = page_begin_,
          .kv_slot = kv_slot_,
          .logit_rows = logit_rows_};
}

void BatchBuilder::AddPart(const StepPart& part) {
  const Sequence& sequence = *part.sequence;
  const auto tokens = sequence.tokens();
  const auto pages = std::as_const(sequence).pages();
  for (int32_t position = part.begin; position < part.end; ++position) {
    tokens_.push_back(tokens[position]);
    positions_.push_back(position);
    kv_slot_.push_back(pages[position / page_len_].value * page_len_ + position % page_len_);
  }
  // Only the pages that hold something: a sequence owns its future ones already.
  const int32_t num_pages = PagesFor(part.end, page_len_);
  for (int32_t i = 0; i < num_pages; ++i) pages_.push_back(pages[i].value);
  row_begin_.push_back(static_cast<int32_t>(tokens_.size()));
  kv_len_.push_back(part.end);
  page_begin_.push_back(static_cast<int32_t>(pages_.size()));
  if (part.wants_logits) logit_rows_.push_back(static_cast<int32_t>(tokens_.size()) - 1);
}

}  // namespace weir
