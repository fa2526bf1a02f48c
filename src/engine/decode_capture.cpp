// SPDX-License-Identifier: Apache-2.0
#include "engine/decode_capture.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "kv/page_pool.h"

namespace weir {
namespace {

constexpr int32_t kNoPage = -1;
constexpr int32_t kNoSlot = -1;

int32_t LargestSize(const CaptureOptions& options) {
  const bool captures = options.mode != GraphMode::kNone && !options.sizes.empty();
  return captures ? options.sizes.back() : 0;
}

template <class T>
std::span<const T> First(const std::vector<T>& values, int32_t count) {
  return {values.data(), static_cast<size_t>(count)};
}

}  // namespace

Result<GraphMode> ParseGraphMode(const std::string& text) {
  if (text == "none") return GraphMode::kNone;
  if (text == "full-decode-only") return GraphMode::kFullDecodeOnly;
  return Err(Code::kInvalidArgument, "graph_mode: found ", text,
             ", wanted none or full-decode-only");
}

const char* GraphModeName(GraphMode mode) {
  return mode == GraphMode::kNone ? "none" : "full-decode-only";
}

Result<std::vector<int32_t>> CaptureSizes(std::span<const int32_t> asked, int32_t max_seqs) {
  std::vector<int32_t> sizes(asked.begin(), asked.end());
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > max_seqs) {
      return Err(Code::kInvalidArgument, "capture_sizes: found ", sizes[i],
                 ", wanted sizes from 1 to max_num_seqs ", max_seqs);
    }
    if (i > 0 && sizes[i] <= sizes[i - 1]) {
      return Err(Code::kInvalidArgument, "capture_sizes: found ", sizes[i], " after ", sizes[i - 1],
                 ", wanted ascending sizes");
    }
  }
  if (!sizes.empty()) return sizes;
  for (int32_t size = 1; size < max_seqs; size *= 2) sizes.push_back(size);
  sizes.push_back(max_seqs);
  return sizes;
}

DecodeCapture::DecodeCapture(const CaptureOptions& options, Planner planner)
    : options_(options),
      planner_(std::move(planner), options.batch.page_len, options.batch.max_seqs),
      builder_(options.batch),
      pages_per_seq_(PagesFor(options.max_model_len, options.batch.page_len)) {
  const auto rows = static_cast<size_t>(LargestSize(options));
  if (rows == 0) return;
  rows_.resize(rows);
  tokens_.resize(rows);
  positions_.resize(rows);
  kv_len_.resize(rows);
  kv_slot_.resize(rows);
  row_begin_.resize(rows + 1);
  logit_rows_.resize(rows);
  page_begin_.resize(rows + 1);
  pages_.resize(rows * static_cast<size_t>(pages_per_seq_), kNoPage);
  std::iota(row_begin_.begin(), row_begin_.end(), 0);
  std::iota(logit_rows_.begin(), logit_rows_.end(), 0);
  for (size_t i = 0; i <= rows; ++i) page_begin_[i] = static_cast<int32_t>(i) * pages_per_seq_;
  for (int32_t i = 0; i < LargestSize(options); ++i) Pad(i);
}

Status DecodeCapture::CaptureAll(GraphBackend& backend) {
  if (LargestSize(options_) == 0) return Ok();
  for (int32_t i = 0; i < num_seqs_; ++i) Pad(i);
  num_seqs_ = 0;
  for (auto size = options_.sizes.rbegin(); size != options_.sizes.rend(); ++size) {
    size_ = *size;
    WEIR_RETURN_IF_ERROR(backend.Capture(captured()));
  }
  size_ = 0;
  return Ok();
}

PreparedStep DecodeCapture::Prepare(const StepPlan& step) {
  const int32_t size = SizeFor(step);
  if (size == 0) {
    const ForwardBatch batch = builder_.Build(step);
    return {.batch = batch, .plan = planner_.Next(batch, /*same_seqs=*/false)};
  }
  const bool goes_on = GoesOn(step);
  size_ = size;
  if (goes_on) {
    Refresh(step);
  } else {
    Rebuild(step);
  }
  const ForwardBatch batch = View();
  return {.batch = batch, .plan = planner_.Next(batch, goes_on), .captured_size = size};
}

CapturedStep DecodeCapture::captured() const {
  WEIR_CHECK_GT(size_, 0);
  return {.size = size_,
          .num_seqs = num_seqs_,
          .tokens = First(tokens_, size_),
          .positions = First(positions_, size_),
          .kv_len = First(kv_len_, size_),
          .kv_slot = First(kv_slot_, size_),
          .pages = First(pages_, size_ * pages_per_seq_),
          .page_begin = First(page_begin_, size_ + 1)};
}

// The captured size that this step takes; 0: none.
int32_t DecodeCapture::SizeFor(const StepPlan& step) const {
  const auto count = static_cast<int32_t>(step.parts.size());
  if (count == 0 || count > LargestSize(options_)) return 0;
  for (const StepPart& part : step.parts) {
    if (part.end - part.begin != 1 || !part.wants_logits) return 0;
  }
  return *std::lower_bound(options_.sizes.begin(), options_.sizes.end(), count);
}

// Whether the buffers hold these sequences, in this order, with the pages that they had.
bool DecodeCapture::GoesOn(const StepPlan& step) const {
  if (num_seqs_ != static_cast<int32_t>(step.parts.size())) return false;
  for (int32_t i = 0; i < num_seqs_; ++i) {
    Sequence& sequence = *step.parts[i].sequence;
    const Row& row = rows_[i];
    if (row.request != sequence.id() || row.index != sequence.index()) return false;
    if (row.table_version != sequence.table().version) return false;
  }
  return true;
}

void DecodeCapture::Rebuild(const StepPlan& step) {
  ++num_rebuilds_;
  const int32_t last_seqs = num_seqs_;
  num_seqs_ = static_cast<int32_t>(step.parts.size());
  for (int32_t i = 0; i < num_seqs_; ++i) {
    Sequence& sequence = *step.parts[i].sequence;
    rows_[i].request = sequence.id();
    rows_[i].index = sequence.index();
    rows_[i].table_version = sequence.table().version;
    SetPages(i, sequence, 0);
    SetToken(i, step.parts[i]);
  }
  for (int32_t i = num_seqs_; i < last_seqs; ++i) Pad(i);
}

// Pages are only added to a table while its version stays.
void DecodeCapture::Refresh(const StepPlan& step) {
  for (int32_t i = 0; i < num_seqs_; ++i) {
    const StepPart& part = step.parts[i];
    if (PagesFor(part.end, options_.batch.page_len) > rows_[i].num_pages) {
      SetPages(i, *part.sequence, rows_[i].num_pages);
    }
    SetToken(i, part);
  }
}

void DecodeCapture::SetToken(int32_t row, const StepPart& part) {
  const int32_t page_len = options_.batch.page_len;
  const int32_t page = pages_[page_begin_[row] + part.begin / page_len];
  tokens_[row] = part.sequence->tokens()[part.begin];
  positions_[row] = part.begin;
  kv_len_[row] = part.end;
  kv_slot_[row] = page * page_len + part.begin % page_len;
}

// All that the sequence has, from its page `first` on: those of its next tokens may be among them.
// What stood beyond them was another sequence's.
void DecodeCapture::SetPages(int32_t row, const Sequence& sequence, int32_t first) {
  const auto pages = sequence.pages();
  const auto num_pages = std::min(static_cast<int32_t>(pages.size()), pages_per_seq_);
  int32_t* table = &pages_[page_begin_[row]];
  for (int32_t i = first; i < num_pages; ++i) table[i] = pages[i].value;
  for (int32_t i = num_pages; i < rows_[row].num_pages; ++i) table[i] = kNoPage;
  rows_[row].num_pages = num_pages;
}

void DecodeCapture::Pad(int32_t row) {
  for (int32_t i = 0; i < rows_[row].num_pages; ++i) pages_[page_begin_[row] + i] = kNoPage;
  rows_[row] = {};
  tokens_[row] = 0;
  positions_[row] = 0;
  kv_len_[row] = 0;
  kv_slot_[row] = kNoSlot;
}

ForwardBatch DecodeCapture::View() const {
  return {.tokens = First(tokens_, num_seqs_),
          .positions = First(positions_, num_seqs_),
          .row_begin = First(row_begin_, num_seqs_ + 1),
          .kv_len = First(kv_len_, num_seqs_),
          .pages = First(pages_, num_seqs_ * pages_per_seq_),
          .page_begin = First(page_begin_, num_seqs_ + 1),
          .kv_slot = First(kv_slot_, num_seqs_),
          .logit_rows = First(logit_rows_, num_seqs_)};
}

}  // namespace weir
