// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference/reference.h"

namespace weir::reference {
namespace {

constexpr double kUnseen = -std::numeric_limits<double>::infinity();

// One query row and head: where it reads and writes, and which keys it sees.
struct Row {
  const PagedAttentionArgs& args;
  int32_t seq;
  int32_t row;  // from the sequence's first new one
  int32_t q_head;

  int32_t group() const { return args.num_q_heads / args.kv.num_kv_heads; }
  int32_t kv_head() const { return q_head / group(); }
  int32_t q_len() const { return args.row_begin[seq + 1] - args.row_begin[seq]; }
  int32_t position() const { return args.kv_len[seq] - q_len() + row; }
  int64_t at() const {
    return (int64_t{args.row_begin[seq] + row} * args.num_q_heads + q_head) * args.kv.head_dim;
  }
  int32_t begin() const {
    const int32_t window = args.features.window;
    return window > 0 ? std::max(0, position() + 1 - window) : 0;
  }
  int32_t end() const { return args.features.causal ? position() + 1 : args.kv_len[seq]; }

  // Of the token and head: its place among all tokens of the pages.
  int64_t Place(int32_t token) const {
    const KvPages& kv = args.kv;
    const int32_t page = args.pages[args.page_begin[seq] + token / kv.page_len];
    return (int64_t{page} * kv.num_kv_heads + kv_head()) * kv.page_len + token % kv.page_len;
  }
};

double Element(const void* elements, KvDType dtype, int64_t at) {
  if (dtype == KvDType::kInt8) return static_cast<const int8_t*>(elements)[at];
  return ToFloat(static_cast<const Bf16*>(elements)[at]);
}

double Key(const Row& row, int32_t token, int32_t i) {
  const KvPages& kv = row.args.kv;
  const int64_t place = row.Place(token);
  const int64_t t = place % 16;
  const int64_t at = (place - t) * kv.head_dim + (int64_t{i / 2} * 16 + t) * 2 + i % 2;
  return Element(kv.k, kv.dtype, at) * (kv.dtype == KvDType::kInt8 ? kv.k_scale[place] : 1.0f);
}

double Value(const Row& row, int32_t token, int32_t i) {
  const KvPages& kv = row.args.kv;
  const int64_t place = row.Place(token);
  const int64_t at = (place / 2 * kv.head_dim + i) * 2 + place % 2;
  return Element(kv.v, kv.dtype, at) * (kv.dtype == KvDType::kInt8 ? kv.v_scale[place] : 1.0f);
}

double Score(const Row& row, int32_t token) {
  const Bf16* q = row.args.q + row.at();
  double score = 0;
  for (int32_t i = 0; i < row.args.kv.head_dim; ++i) {
    score += double{ToFloat(q[i])} * Key(row, token, i);
  }
  score *= row.args.scale;
  const double cap = row.args.features.softcap;
  return cap > 0 ? cap * std::tanh(score / cap) : score;
}

// The unnormalised output, the largest score and the sum of weights, as they lie in a slot.
struct Part {
  float* o;
  int32_t d;
  float& m() const { return o[(d + 15) / 16 * 16]; }
  float& l() const { return o[(d + 15) / 16 * 16 + 1]; }
};

void MakeEmpty(const Part& part) {
  std::fill_n(part.o, part.d, 0.0f);
  part.m() = static_cast<float>(kUnseen);
  part.l() = 0;
}

// The tokens [begin, end) that the row sees, in two passes.
void Attend(const Row& row, int32_t begin, int32_t end, const Part& part) {
  begin = std::max(begin, row.begin());
  end = std::min(end, row.end());
  MakeEmpty(part);
  if (begin >= end) return;
  std::vector<double> weight(end - begin);
  double largest = kUnseen;
  for (int32_t t = begin; t < end; ++t) {
    largest = std::max(largest, weight[t - begin] = Score(row, t));
  }
  part.m() = static_cast<float>(largest);
  double sum = 0;
  for (double& w : weight) sum += w = std::exp(w - double{part.m()});
  part.l() = static_cast<float>(sum);
  for (int32_t i = 0; i < part.d; ++i) {
    double value = 0;
    for (int32_t t = begin; t < end; ++t) value += weight[t - begin] * Value(row, t, i);
    part.o[i] = static_cast<float>(value);
  }
}

// Joins `part` to `to`.
void Fold(const Part& part, const Part& to) {
  if (part.l() == 0) return;
  const double m = std::max(part.m(), to.m());
  const double old_weight = to.l() == 0 ? 0 : std::exp(to.m() - m);
  const double new_weight = std::exp(part.m() - m);
  for (int32_t i = 0; i < to.d; ++i) {
    to.o[i] = static_cast<float>(to.o[i] * old_weight + part.o[i] * new_weight);
  }
  to.l() = static_cast<float>(to.l() * old_weight + part.l() * new_weight);
  to.m() = static_cast<float>(m);
}

void Finish(const Row& row, const Part& part) {
  const float* sinks = row.args.features.sinks;
  const double sink = sinks != nullptr ? sinks[row.q_head] : kUnseen;
  const double m = std::max(double{part.m()}, sink);
  const double sum = part.l() * std::exp(part.m() - m) + std::exp(sink - m);
  for (int32_t i = 0; i < part.d; ++i) {
    const double mean = part.l() == 0 ? 0 : part.o[i] * std::exp(part.m() - m) / sum;
    row.args.out[row.at() + i] = ToBf16(static_cast<float>(mean));
  }
}

Part SlotOf(const Row& row, const AttnMerge& merge, int32_t part) {
  const int64_t part_rows = int64_t{merge.q_end - merge.q_begin} * row.group();
  const int64_t in_part = int64_t{row.row - merge.q_begin} * row.group() + row.q_head % row.group();
  const int32_t d = row.args.kv.head_dim;
  return {row.args.slots + (merge.first_slot_row + part * part_rows + in_part) * SlotRowFloats(d),
          d};
}

// The keys of the item for one row: see AttnWork about segments. `merge` is null where the item
// writes the output.
void AttendItem(const Row& row, const AttnItem& item, const AttnMerge* merge) {
  const int32_t segment = row.args.work.segment_len;
  const int32_t d = row.args.kv.head_dim;
  std::vector<float> segment_row(SlotRowFloats(d));
  std::vector<float> item_row(SlotRowFloats(d));
  const Part piece{segment_row.data(), d};
  const bool fold = merge == nullptr || item.kv_begin == 0;
  const Part all = merge != nullptr ? SlotOf(row, *merge, item.part) : Part{item_row.data(), d};
  MakeEmpty(all);
  const int32_t step = segment > 0 ? segment : std::max(1, item.kv_end - item.kv_begin);
  int32_t part = item.part;
  for (int32_t begin = item.kv_begin; begin < item.kv_end; begin += step) {
    if (fold && begin >= row.end()) break;
    Attend(row, begin, std::min(item.kv_end, begin + step), piece);
    const Part to = fold ? all : SlotOf(row, *merge, part++);
    if (!fold) MakeEmpty(to);
    Fold(piece, to);
  }
  if (merge == nullptr) Finish(row, all);
}

void AttendRows(const PagedAttentionArgs& args, const AttnItem& item, int32_t seq, int32_t merge,
                int32_t begin, int32_t end) {
  const int32_t group = args.num_q_heads / args.kv.num_kv_heads;
  for (int32_t r = begin; r < end; ++r) {
    for (int32_t g = 0; g < group; ++g) {
      AttendItem({args, seq, r, item.kv_head * group + g}, item,
                 merge < 0 ? nullptr : &args.work.merges[merge]);
    }
  }
}

// Counts an item as done; the last one folds all parts into the first.
void Arrive(const PagedAttentionArgs& args, int32_t index) {
  const AttnMerge& merge = args.work.merges[index];
  if (++args.counters[index] < merge.num_items) return;
  args.counters[index] = 0;
  const int32_t group = args.num_q_heads / args.kv.num_kv_heads;
  for (int32_t r = merge.q_begin; r < merge.q_end; ++r) {
    for (int32_t g = 0; g < group; ++g) {
      const Row row{args, merge.seq, r, merge.kv_head * group + g};
      const Part to = SlotOf(row, merge, 0);
      for (int32_t i = 1; i < merge.num_parts; ++i) Fold(SlotOf(row, merge, i), to);
      Finish(row, to);
    }
  }
}

}  // namespace

void PagedAttention(const PagedAttentionArgs& args, Stream) {
  for (int32_t n = 0; n < args.work.num_items; ++n) {
    const AttnItem& item = args.work.items[n];
    if (item.num_members == 0) {
      AttendRows(args, item, item.seq, item.merge, item.q_begin, item.q_end);
      if (item.merge >= 0) Arrive(args, item.merge);
    }
    for (int32_t i = 0; i < item.num_members; ++i) {
      const AttnMember& member = args.work.members[item.first_member + i];
      const int32_t merge = member.merge + item.kv_head;
      const int32_t q_len = args.row_begin[member.seq + 1] - args.row_begin[member.seq];
      AttendRows(args, item, member.seq, merge, 0, q_len);
      Arrive(args, merge);
    }
  }
}

}  // namespace weir::reference
