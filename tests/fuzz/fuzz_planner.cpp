// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a model, a device, a policy and a few steps, each planned, refreshed or whichever
// Next takes. Plans must keep the guarantees of planner.h.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "attention/plan_checker_test_util.h"
#include "attention/planner_test_util.h"

namespace weir {
namespace {

constexpr int32_t kMaxKvLen = 1 << 20;

// Numbers from bytes; zeros when they are used up.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  int32_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  // 0 to limit.
  int32_t UpTo(int32_t limit) {
    int32_t value = Byte();
    for (int32_t bound = 256; bound <= limit && bound < 1 << 24; bound <<= 8) {
      value = value << 8 | Byte();
    }
    return limit == INT32_MAX ? value : value % (limit + 1);
  }
  // One byte: powers of two and their neighbours, up to limit.
  int32_t Length(int32_t limit) {
    const int32_t byte = Byte();
    const int32_t power = 1 << std::min(byte / 8, 30);
    return std::clamp(power + byte % 8 * (power / 8) + byte % 3 - 1, 1, std::max(1, limit));
  }
  double Rate(double least) { return least * std::exp2(Byte() / 16.0); }

 private:
  const uint8_t* data_;
  size_t size_;
};

AttnShape ReadShape(Bytes& bytes) {
  AttnShape shape = {};
  shape.num_kv_heads = 1 + bytes.UpTo(15);
  shape.num_q_heads = shape.num_kv_heads * (1 + bytes.UpTo(79));
  shape.head_dim = 16 * (1 + bytes.UpTo(15));
  const int32_t flags = bytes.Byte();
  shape.kv_dtype = (flags & 1) != 0 ? KvDType::kInt8 : KvDType::kBf16;
  shape.softcap = (flags & 2) != 0;
  shape.sinks = (flags & 4) != 0;
  shape.causal = (flags & 24) != 0;
  if (shape.causal && (flags & 32) != 0) shape.window = bytes.Length(kMaxKvLen);
  return shape;
}

DeviceProfile ReadDevice(Bytes& bytes) {
  DeviceProfile device = FittedGpu();
  device.sm_count = bytes.UpTo(150);
  device.num_workers = 1 + bytes.UpTo(300);
  device.tile_len = 16 * (1 + bytes.UpTo(31));
  device.min_payload_tiles = 1 + bytes.UpTo(7);
  device.q_tile_rows = 1 + bytes.UpTo(255);
  device.total_gb_s = bytes.Rate(0.1);
  device.worker_gb_s = bytes.Rate(0.1);
  device.item_us = bytes.Rate(0.001);
  device.launch_us = bytes.Rate(0.001);
  device.merge_us = bytes.Rate(0.001);
  device.worker_gflop_s = bytes.Rate(1);
  device.paged_gflop_s = bytes.Rate(1);
  return device;
}

AttnPolicy ReadPolicy(Bytes& bytes) {
  AttnPolicy policy;
  policy.routing = static_cast<AttnRouting>(bytes.UpTo(2));
  policy.splits = static_cast<KvSplitRule>(4 - bytes.UpTo(4));  // most often planned
  policy.fixed_splits = 1 + bytes.UpTo(255);
  policy.max_captured_tokens = bytes.UpTo(600);
  policy.batch_invariant = bytes.UpTo(1) != 0;
  policy.cascade = bytes.UpTo(3) != 0;
  return policy;
}

std::vector<SeqLengths> ReadSeqs(Bytes& bytes, const PlannerLimits& limits, int32_t max_kv_len) {
  std::vector<SeqLengths> seqs;
  int32_t rows_left = limits.max_rows;
  for (int32_t n = bytes.UpTo(limits.max_seqs); n > 0 && !bytes.empty(); --n) {
    const int32_t kind = bytes.UpTo(3);
    int32_t q_len = kind < 2 ? kind : bytes.Length(limits.max_rows);
    q_len = std::min(q_len, rows_left);
    rows_left -= q_len;
    const int32_t cached = kind == 3 ? 0 : bytes.Length(max_kv_len) - 1;
    seqs.push_back({q_len, std::clamp(q_len + cached, 1, max_kv_len)});
  }
  return seqs;
}

void Share(Bytes& bytes, TestBatch& batch) {
  const auto num_seqs = static_cast<int32_t>(batch.seqs().size());
  for (int32_t groups = bytes.UpTo(3); groups > 0 && num_seqs > 0; --groups) {
    const int32_t step = 1 + bytes.UpTo(3);
    std::vector<int32_t> members;
    for (int32_t m = bytes.UpTo(num_seqs - 1); m < num_seqs; m += step) members.push_back(m);
    batch.Share(members, bytes.UpTo(1023));
  }
}

AttnPlan Call(Planner& planner, int32_t which, const AttnBatch& batch) {
  return which == 0   ? planner.Plan(batch)
         : which == 1 ? planner.Refresh(batch)
                      : planner.Next(batch);
}

void Expect(const std::string& fault) {
  if (fault.empty()) return;
  std::fprintf(stderr, "%s\n", fault.c_str());
  std::abort();
}

void Steps(Bytes& bytes) {
  const AttnShape shape = ReadShape(bytes);
  const DeviceProfile device = ReadDevice(bytes);
  const AttnPolicy policy = ReadPolicy(bytes);
  const PlannerLimits limits = {
      .max_rows = 1 + bytes.UpTo(1023), .max_seqs = 1 + bytes.UpTo(47), .max_kv_len = kMaxKvLen};
  Planner planner(shape, device, policy, limits);
  for (int32_t step = 0; step < 8 && !bytes.empty(); ++step) {
    const int32_t call = bytes.UpTo(2);
    const bool pages = bytes.UpTo(1) != 0;
    // Tables of pages cost time here, not in the planner.
    TestBatch batch(ReadSeqs(bytes, limits, pages ? 1 << 14 : kMaxKvLen));
    if (pages) Share(bytes, batch);
    Expect(PlanFault(Call(planner, call, batch.view()), batch.view(), shape, planner));
    // A step later, most often by Next.
    std::vector<SeqLengths> seqs = batch.seqs();
    for (SeqLengths& seq : seqs) seq.kv_len = std::min(seq.kv_len + seq.q_len, kMaxKvLen);
    const TestBatch grown(seqs);
    Expect(PlanFault(planner.Next(grown.view()), grown.view(), shape, planner));
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::Bytes bytes(data, size);
  weir::Steps(bytes);
  return 0;
}
