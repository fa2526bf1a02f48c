// SPDX-License-Identifier: Apache-2.0
#include "kernels/paged_attention_testbed.h"

#include <algorithm>
#include <numeric>

namespace weir {
namespace {

constexpr int64_t kCanaryRows = 2;  // beyond the slots

// `parts` pieces of [0, end) at multiples of `unit`; as many as fit.
std::vector<int32_t> RandomEdges(int32_t begin, int32_t end, int32_t unit, int32_t pieces,
                                 std::mt19937& random) {
  std::vector<int32_t> edges;
  for (int32_t at = begin / unit * unit + unit; at < end; at += unit) edges.push_back(at);
  std::shuffle(edges.begin(), edges.end(), random);
  edges.resize(std::min<size_t>(edges.size(), std::max(0, pieces - 1)));
  edges.push_back(begin);
  edges.push_back(end);
  std::sort(edges.begin(), edges.end());
  return edges;
}

int32_t RandomUpTo(int32_t most, std::mt19937& random) {
  return std::uniform_int_distribution<int32_t>(1, most)(random);
}

// Parts that an item writes.
int32_t NumParts(int32_t begin, int32_t end, int32_t segment_len) {
  if (segment_len == 0 || begin == 0) return 1;
  return (end - begin + segment_len - 1) / segment_len;
}

}  // namespace

int64_t Plan::NumSlotRows(int32_t group) const {
  int64_t rows = 0;
  for (const AttnMerge& merge : merges) {
    rows = std::max(rows, merge.first_slot_row +
                              int64_t{merge.num_parts} * (merge.q_end - merge.q_begin) * group);
  }
  return rows;
}

void Batch::Add(const Content& content, Sequence seq, int32_t shared) {
  contents_.push_back(&content);
  seqs_.push_back(seq);
  shared_.push_back(shared);
}

int32_t Batch::KeysEnd(int32_t seq, int32_t q_end) const {
  const Sequence& s = seqs_[seq];
  return features.causal ? s.kv_len - s.q_len + q_end : s.kv_len;
}

Plan Batch::Direct(int32_t rows) const {
  Plan plan;
  for (int32_t seq = 0; seq < num_seqs(); ++seq) {
    for (int32_t head = 0; head < shape_.hkv; ++head) {
      for (int32_t begin = 0; begin < seqs_[seq].q_len; begin += rows) {
        const int32_t end = std::min(seqs_[seq].q_len, begin + rows);
        plan.items.push_back({.seq = seq,
                              .kv_head = head,
                              .q_begin = begin,
                              .q_end = end,
                              .kv_begin = 0,
                              .kv_end = KeysEnd(seq, end),
                              .merge = -1});
      }
    }
  }
  return plan;
}

void Batch::CutRows(int32_t seq, int32_t head, int32_t q_begin, int32_t q_end, const Cuts& cuts,
                    std::mt19937& random, Plan& plan) const {
  const int32_t unit = cuts.segment_len > 0 ? cuts.segment_len : 16;
  const std::vector<int32_t> edges =
      RandomEdges(0, KeysEnd(seq, q_end), unit, RandomUpTo(cuts.most_items, random), random);
  AttnItem item{.seq = seq, .kv_head = head, .q_begin = q_begin, .q_end = q_end};
  if (edges.size() == 2 && random() % 2 == 0) {  // the other half: one part
    item.kv_end = edges[1];
    item.merge = -1;
    plan.items.push_back(item);
    return;
  }
  item.merge = static_cast<int32_t>(plan.merges.size());
  for (size_t i = 0; i + 1 < edges.size(); ++i) {
    item.kv_begin = edges[i];
    item.kv_end = edges[i + 1];
    plan.items.push_back(item);
    item.part += NumParts(edges[i], edges[i + 1], cuts.segment_len);
  }
  plan.merges.push_back({.seq = seq,
                         .kv_head = head,
                         .q_begin = q_begin,
                         .q_end = q_end,
                         .first_slot_row = static_cast<int32_t>(plan.NumSlotRows(shape_.group())),
                         .num_parts = item.part,
                         .num_items = static_cast<int32_t>(edges.size()) - 1});
}

Plan Batch::RandomCuts(const Cuts& cuts, std::mt19937& random) const {
  Plan plan;
  plan.segment_len = cuts.segment_len;
  for (int32_t seq = 0; seq < num_seqs(); ++seq) {
    for (int32_t head = 0; head < shape_.hkv; ++head) {
      const int32_t q_len = seqs_[seq].q_len;
      for (int32_t begin = 0; begin < q_len;) {
        const int32_t rows = cuts.cut_rows ? RandomUpTo(q_len - begin, random) : q_len;
        CutRows(seq, head, begin, begin + rows, cuts, random, plan);
        begin += rows;
      }
    }
  }
  plan.Shuffle(random);
  return plan;
}

Plan Batch::SharedPrefix(int32_t shared, const Cuts& cuts, std::mt19937& random) const {
  Plan plan;
  plan.segment_len = cuts.segment_len;
  const int32_t unit = cuts.segment_len > 0 ? cuts.segment_len : 16;
  const auto edges_of = [&](int32_t begin, int32_t end) {
    return RandomEdges(begin, end, unit, RandomUpTo(cuts.most_items, random), random);
  };
  const std::vector<int32_t> common = edges_of(0, shared);
  for (int32_t seq = 0; seq < num_seqs(); ++seq) {
    plan.members.push_back({seq, seq * shape_.hkv});
    for (int32_t head = 0; head < shape_.hkv; ++head) {
      AttnItem item{.seq = seq, .kv_head = head, .q_begin = 0, .q_end = seqs_[seq].q_len};
      item.merge = static_cast<int32_t>(plan.merges.size());
      for (size_t i = 0; i + 1 < common.size(); ++i) {
        item.part += NumParts(common[i], common[i + 1], cuts.segment_len);
      }
      const std::vector<int32_t> own = edges_of(shared, seqs_[seq].kv_len);
      for (size_t i = 0; i + 1 < own.size(); ++i) {
        item.kv_begin = own[i];
        item.kv_end = own[i + 1];
        plan.items.push_back(item);
        item.part += NumParts(own[i], own[i + 1], cuts.segment_len);
      }
      const auto slots = static_cast<int32_t>(plan.NumSlotRows(shape_.group()));
      plan.merges.push_back({.seq = seq,
                             .kv_head = head,
                             .q_begin = 0,
                             .q_end = seqs_[seq].q_len,
                             .first_slot_row = slots,
                             .num_parts = item.part,
                             .num_items = static_cast<int32_t>(common.size() + own.size()) - 2});
    }
  }
  for (int32_t head = 0; head < shape_.hkv; ++head) {
    AttnItem item{.seq = 0, .kv_head = head, .merge = -1, .num_members = num_seqs()};
    for (size_t i = 0; i + 1 < common.size(); ++i) {
      item.kv_begin = common[i];
      item.kv_end = common[i + 1];
      plan.items.push_back(item);
      item.part += NumParts(common[i], common[i + 1], cuts.segment_len);
    }
  }
  plan.Shuffle(random);
  return plan;
}

std::vector<Bf16> Batch::Run(const KernelTable& table, const Plan& plan, ThreadPool* pool) {
  if (q_.empty()) Place();
  const int64_t slot_floats = plan.NumSlotRows(shape_.group()) * SlotRowFloats(shape_.d);
  const int64_t canary_floats = kCanaryRows * SlotRowFloats(shape_.d);
  if (slots_.num_bytes() < (slot_floats + canary_floats) * 4) {
    slots_ = std::move(*Buffer::Allocate((slot_floats + canary_floats) * 4));
  }
  std::fill_n(slots_.as<float>(), slot_floats + canary_floats, kNaN);
  counters_.assign(plan.merges.size(), 0);
  std::vector<Bf16> out(q_.size(), kPoison);
  table.paged_attention({.q = q_.data(),
                         .out = out.data(),
                         .kv = {k_.data(), v_.data(), k_scale_.data(), v_scale_.data(),
                                shape_.dtype, shape_.hkv, shape_.d, shape_.page_len},
                         .num_q_heads = shape_.hq,
                         .scale = scale(),
                         .features = features,
                         .row_begin = row_begin_.data(),
                         .kv_len = kv_len_.data(),
                         .pages = pages_.data(),
                         .page_begin = page_begin_.data(),
                         .work = {.items = plan.items.data(),
                                  .num_items = static_cast<int32_t>(plan.items.size()),
                                  .merges = plan.merges.data(),
                                  .num_merges = static_cast<int32_t>(plan.merges.size()),
                                  .members = plan.members.data(),
                                  .segment_len = plan.segment_len},
                         .slots = slots_.as<float>(),
                         .counters = counters_.data()},
                        {.pool = pool});
  for (const int32_t counter : counters_) EXPECT_EQ(counter, 0);
  for (int64_t i = 0; i < canary_floats; ++i) {
    EXPECT_TRUE(std::isnan(slots_.as<float>()[slot_floats + i])) << "wrote beyond the slots";
  }
  return out;
}

void Batch::Place() {
  for (int32_t i = 0; i < num_seqs(); ++i) {
    const Sequence& seq = seqs_[i];
    const Bf16* q = contents_[i]->q.data() + (seq.kv_len - seq.q_len) * row_length();
    q_.insert(q_.end(), q, q + seq.q_len * row_length());
    row_begin_.push_back(row_begin_.back() + seq.q_len);
    kv_len_.push_back(seq.kv_len);
    page_begin_.push_back(page_begin_.back() +
                          (seq.kv_len + shape_.page_len - 1) / shape_.page_len);
  }
  const int32_t num_pages = page_begin_.back() + 5;
  pages_.resize(num_pages);
  std::iota(pages_.begin(), pages_.end(), 0);
  std::shuffle(pages_.begin(), pages_.end(), random_);
  const int64_t tokens = int64_t{num_pages} * shape_.hkv * shape_.page_len;
  const int64_t bytes = tokens * shape_.d * BytesPerElement(shape_.dtype);
  for (std::vector<char>* bytes_of : {&k_, &v_}) {
    bytes_of->resize(bytes);
    for (int64_t i = 0; i + 1 < bytes; i += 2) std::memcpy(bytes_of->data() + i, &poison_, 2);
  }
  if (shape_.dtype == KvDType::kInt8) {
    k_scale_.assign(tokens, ToFloat(poison_));
    v_scale_ = k_scale_;
  }
  for (int32_t i = 0; i < num_seqs(); ++i) {
    for (int32_t p = page_begin_[i]; p < page_begin_[i + 1]; ++p) {
      const int32_t first = (p - page_begin_[i]) * shape_.page_len;
      if (first < shared_[i]) {
        pages_[p] = pages_[page_begin_[0] + p - page_begin_[i]];
        continue;
      }
      for (int32_t head = 0; head < shape_.hkv; ++head) {
        FillPage(*contents_[i], first, pages_[p], head);
      }
    }
  }
}

void Batch::FillPage(const Content& content, int32_t first_position, int32_t page, int32_t head) {
  const int64_t s = shape_.page_len;
  const int64_t d = shape_.d;
  const int64_t first = (int64_t{page} * shape_.hkv + head) * s;
  const int64_t size = BytesPerElement(shape_.dtype);
  const bool int8 = shape_.dtype == KvDType::kInt8;
  std::fill_n(v_.begin() + first * d * size, s * d * size, char{0});
  if (int8) std::fill_n(k_scale_.begin() + first, s, 0.0f);
  if (int8) std::fill_n(v_scale_.begin() + first, s, 0.0f);
  for (int32_t t = 0; t < s && first_position + t < content.kv_len; ++t) {
    const int32_t position = first_position + t;
    const int64_t from = (int64_t{position} * shape_.hkv + head) * d;
    const Content::Quantised key = content.Quantise(content.k, position, head);
    const Content::Quantised value = content.Quantise(content.v, position, head);
    if (int8) k_scale_[first + t] = key.scale;
    if (int8) v_scale_[first + t] = value.scale;
    for (int32_t i = 0; i < d; ++i) {
      const int64_t k_at = first * d + ((t / 16 * (d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2;
      const int64_t v_at = first * d + (t / 2 * d + i) * 2 + t % 2;
      const void* k = int8 ? static_cast<const void*>(&key.whole[i]) : &content.k[from + i];
      const void* v = int8 ? static_cast<const void*>(&value.whole[i]) : &content.v[from + i];
      std::memcpy(k_.data() + k_at * size, k, size);
      std::memcpy(v_.data() + v_at * size, v, size);
    }
  }
}

// The output is rounded to bf16 (2^-8 relative), and each weight may be (2^-8 at most, an rms of
// some 2^-9.5, independent of one another: their errors add up like `spread`, and twice the most
// that one can do is beyond chance). Over int8 values, weights may be rounded to 1/32767 of the
// largest instead, an rms of a third of that, with values mostly below a third of their largest: as
// many errors as tokens add up to a tenth of the term below. Scores are sums in f32, whose error is
// far below either.
void Batch::ExpectRight(const std::vector<Bf16>& out) const {
  for (int32_t seq = 0; seq < num_seqs(); ++seq) {
    const AttentionOracle oracle(*contents_[seq], features, seqs_[seq], scale());
    for (int32_t r = 0; r < seqs_[seq].q_len; ++r) {
      const int32_t position = seqs_[seq].kv_len - seqs_[seq].q_len + r;
      for (int32_t head = 0; head < shape_.hq; ++head) {
        const AttentionOracle::Head want = oracle.At(position, head);
        const Bf16* got = out.data() + OutBegin(seq) + r * row_length() + int64_t{head} * shape_.d;
        for (int32_t i = 0; i < shape_.d; ++i) {
          const double coarse = shape_.dtype == KvDType::kInt8 ? want.largest / 32767 : 0;
          const double bound = std::abs(want.mean[i]) / 256 + want.spread[i] / 128 +
                               coarse * std::sqrt(want.tokens) + 1e-30;
          ASSERT_NEAR(ToFloat(got[i]), want.mean[i], bound)
              << shape_ << " sequence " << seq << " row " << r << " head " << head << " dim " << i;
        }
      }
    }
  }
}

}  // namespace weir
