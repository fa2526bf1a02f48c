// SPDX-License-Identifier: Apache-2.0
#include "attention/planner.h"

#include <algorithm>

#include "attention/fluid_model.h"
#include "attention/split_rules.h"
#include "base/check.h"

namespace weir {
namespace {

constexpr int32_t kMaxRefreshes = 32;

}  // namespace

Planner::Planner(const AttnShape& shape, const DeviceProfile& device, const AttnPolicy& policy,
                 const PlannerLimits& limits)
    : shape_(shape),
      device_(device),
      policy_(policy),
      capacity_(CapacityOf(shape, device, policy, limits)),
      runs_(shape, device, capacity_, limits.max_seqs),
      chooser_(shape, device, capacity_),
      emitter_(shape, device, capacity_) {
  decisions_.reserve(limits.max_seqs);
  last_q_len_.reserve(limits.max_seqs);
  last_kv_len_.reserve(limits.max_seqs);
  pieces_.reserve(capacity_.max_runs);
}

AttnPlan Planner::Plan(const AttnBatch& batch) {
  num_refreshes_ = 0;
  return Build(batch, /*refresh=*/false);
}

AttnPlan Planner::Refresh(const AttnBatch& batch) { return Build(batch, /*refresh=*/true); }

AttnPlan Planner::Next(const AttnBatch& batch) {
  const bool refresh = num_refreshes_ < kMaxRefreshes && GoesOn(batch);
  num_refreshes_ = refresh ? num_refreshes_ + 1 : 0;
  return Build(batch, refresh);
}

// The same sequences as far as lengths tell, each its new tokens longer.
bool Planner::GoesOn(const AttnBatch& batch) const {
  if (last_kv_len_.size() != batch.kv_len.size() || batch.kv_len.empty()) return false;
  for (int32_t i = 0; i < batch.num_seqs(); ++i) {
    const int32_t q_len = batch.q_len(i);
    if (q_len != last_q_len_[i] || q_len * shape_.group() > kMaxDecodePackedRows) return false;
    if (batch.kv_len[i] != last_kv_len_[i] + q_len) return false;
  }
  return true;
}

void Planner::Remember(const AttnBatch& batch) {
  last_kv_len_.assign(batch.kv_len.begin(), batch.kv_len.end());
  last_q_len_.clear();
  for (int32_t i = 0; i < batch.num_seqs(); ++i) last_q_len_.push_back(batch.q_len(i));
}

AttnPlan Planner::Build(const AttnBatch& batch, bool refresh) {
  WEIR_CHECK_EQ(batch.row_begin.size(), batch.kv_len.size() + 1);
  decisions_.assign(batch.num_seqs(), {});
  const StepRoute route = RouteStep(batch, shape_, policy_, decisions_);
  const bool cascade = policy_.cascade && policy_.routing == AttnRouting::kRow &&
                       policy_.splits == KvSplitRule::kPlanned && (shares_ || !refresh);
  runs_.Build(batch, decisions_, cascade);
  ChoosePieces(batch, route, refresh);
  RecordSplits();
  Remember(batch);
  return Finish(route);
}

void Planner::ChoosePieces(const AttnBatch& batch, const StepRoute& route, bool refresh) {
  if (policy_.splits == KvSplitRule::kPlanned) {
    ChoosePayload(batch, refresh);
    return FitSlots();
  }
  const int32_t sm_count = SmCount(device_);
  int32_t decode_tokens = 0;
  for (int32_t i = 0; i < batch.num_seqs(); ++i) decode_tokens += batch.q_len(i) == 1;
  switch (route.splits) {
    case SplitMode::kUnsplit:
      return CutByCount(batch, 1);
    case SplitMode::kHeuristic:
      return CutByCount(batch, HeuristicSplits(batch, shape_, sm_count));
    case SplitMode::kRule:
      break;
  }
  const bool fixed =
      policy_.splits == KvSplitRule::kFixed || policy_.splits == KvSplitRule::kFixedGated;
  CutByCount(batch, fixed ? policy_.fixed_splits
                          : BatchScaledSplits(sm_count, decode_tokens, shape_.num_kv_heads));
}

// Shared stretches were taken for what each saves by itself; here the whole step is compared with
// and without them.
void Planner::ChoosePayload(const AttnBatch& batch, bool refresh) {
  chooser_.Load(runs_);
  if (refresh) {
    payload_ = chooser_.Bounded(payload_);
    return;
  }
  shares_ = runs_.num_shared_runs() > 0;
  payload_ = chooser_.Choose();
  if (!shares_) return;
  const Payload shared = payload_;
  const double shared_us = chooser_.PredictUs(shared);
  runs_.DropShared(batch);
  chooser_.Load(runs_);
  payload_ = chooser_.Choose();
  shares_ = shared_us < chooser_.PredictUs(payload_);
  if (!shares_) return;
  runs_.Build(batch, decisions_, /*cascade=*/true);
  chooser_.Load(runs_);
  payload_ = shared;
}

void Planner::CutByPayload() {
  pieces_.clear();
  for (const KvRun& run : runs_.runs()) {
    pieces_.push_back(NumPieces(run.num_units, run.decode ? payload_.decode : payload_.prefill));
  }
}

// A number of splits holds for rows of one new token; a piece has a unit at least.
void Planner::CutByCount(const AttnBatch& batch, int32_t splits) {
  for (; splits > 0; splits /= 2) {
    pieces_.clear();
    for (const KvRun& run : runs_.runs()) {
      const int32_t q_len = batch.q_len(runs_.tiles()[run.tile].seq);
      pieces_.push_back(q_len == 1 ? std::min(splits, run.num_units) : 1);
    }
    const SlotRows rows = emitter_.CountSlotRows(runs_, pieces_);
    if (rows.decode + rows.prefill <= capacity_.max_slot_rows()) return;
  }
}

// Ends, because runs of one piece always fit.
void Planner::FitSlots() {
  for (;;) {
    CutByPayload();
    const SlotRows rows = emitter_.CountSlotRows(runs_, pieces_);
    const bool decodes_fit = rows.decode <= capacity_.max_decode_slot_rows;
    const bool prefills_fit = rows.prefill <= capacity_.max_prefill_slot_rows;
    if (decodes_fit && prefills_fit) return;
    WEIR_CHECK(!(payload_ == Payload{}));
    if (!decodes_fit) payload_.decode = LongerPayload(payload_.decode);
    if (!prefills_fit) payload_.prefill = LongerPayload(payload_.prefill);
  }
}

void Planner::RecordSplits() {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const KvRun& run = runs_.runs()[i];
    if (run.tile >= 0) {
      int32_t& splits = decisions_[runs_.tiles()[run.tile].seq].splits;
      splits = std::max(splits, pieces_[i]);
    }
  }
  // Pieces of shared runs come on top of a sequence's own.
  for (int32_t i = 0; i < runs_.num_shared_runs(); ++i) {
    const KvRun& run = runs_.runs()[i];
    for (int32_t m = 0; m < run.num_members; ++m) {
      decisions_[runs_.members()[run.first_member + m].seq].splits += pieces_[i];
    }
  }
}

AttnPlan Planner::Finish(const StepRoute& route) {
  const bool two_launches = policy_.routing == AttnRouting::kBatch && !route.one_call;
  AttnPlan plan = {};
  plan.work = emitter_.Emit(runs_, pieces_,
                            two_launches ? ItemOrder::kDecodesFirst : ItemOrder::kInterleaved);
  plan.decisions = decisions_;
  plan.counts = Count();
  plan.predicted_us = policy_.splits == KvSplitRule::kPlanned ? chooser_.PredictUs(payload_)
                                                              : chooser_.PredictUs(runs_, pieces_);
  const double bytes_us = runs_.unique_bytes() / (device_.total_gb_s * 1e3);
  const double gflop_s = std::max(device_.worker_gflop_s, device_.paged_gflop_s);
  const double flops_us = runs_.flops() / (device_.num_workers * gflop_s * 1e3);
  plan.floor_us = std::max(bytes_us, flops_us);
  return plan;
}

AttnCounts Planner::Count() const {
  AttnCounts counts = {};
  for (const AttnDecision& decision : decisions_) {
    ++counts.num_seqs[static_cast<int>(decision.route)];
  }
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const KvRun& run = runs_.runs()[i];
    if (run.num_units == 0) continue;
    const int32_t items = pieces_[i] * shape_.num_kv_heads;
    const AttnRoute route = run.tile >= 0 ? runs_.tiles()[run.tile].route : AttnRoute::kDecode;
    counts.num_items[static_cast<int>(route)] += items;
    if (run.tile < 0) counts.num_shared_items += items;
  }
  counts.num_slots = emitter_.num_slots();
  counts.num_slot_rows = emitter_.num_slot_rows();
  return counts;
}

}  // namespace weir
