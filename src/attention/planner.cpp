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
      emitter_(shape, device, capacity_, policy.batch_invariant ? kSegmentLen : 0) {
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
  Remember(batch);
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
                       policy_.splits == KvSplitRule::kPlanned;
  runs_.Build(batch, decisions_, cascade);
  ChoosePieces(batch, route, refresh);
  RecordSplits();
  return Finish(route);
}

void Planner::ChoosePieces(const AttnBatch& batch, const StepRoute& route, bool refresh) {
  if (policy_.splits == KvSplitRule::kPlanned) {
    payload_ = refresh ? chooser_.Bounded(runs_, payload_) : chooser_.Choose(runs_);
    return FitSlots(batch);
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

void Planner::CutByPayload() {
  pieces_.clear();
  for (const KvRun& run : runs_.runs()) {
    pieces_.push_back(NumPieces(run.num_units, run.decode ? payload_.decode : payload_.prefill));
  }
}

// A number of splits holds for rows of one new token; a piece has a unit at least.
void Planner::CutByCount(const AttnBatch& batch, int32_t splits) {
  pieces_.clear();
  for (const KvRun& run : runs_.runs()) {
    const int32_t q_len = batch.q_len(runs_.tiles()[run.tile].seq);
    pieces_.push_back(q_len == 1 ? std::min(splits, run.num_units) : 1);
  }
}

// The bounds hold by construction where each piece is one part and no run is shared. Otherwise
// shared stretches are given up, least saving first, and then pieces made longer.
void Planner::FitSlots(const AttnBatch& batch) {
  const auto longer = [](int32_t payload) {
    return payload > kNoSplit / 2 ? kNoSplit : payload + std::max(1, payload / 4);
  };
  for (;;) {
    CutByPayload();
    const SlotRows rows = emitter_.CountSlotRows(runs_, pieces_);
    const bool decodes_fit = rows.decode <= capacity_.max_decode_slot_rows;
    const bool prefills_fit = rows.prefill <= capacity_.max_prefill_slot_rows;
    if (decodes_fit && prefills_fit) return;
    if (!decodes_fit && runs_.DropSharedRun(batch)) continue;
    if (!decodes_fit) payload_.decode = longer(payload_.decode);
    if (!prefills_fit) payload_.prefill = longer(payload_.prefill);
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
  for (const AttnDecision& decision : decisions_) {
    ++plan.counts.num_seqs[static_cast<int>(decision.route)];
  }
  for (const AttnItem& item : plan.items()) {
    ++plan.counts.num_items[static_cast<int>(item.route)];
    plan.counts.num_shared_items += item.num_members > 0;
  }
  plan.counts.num_slots = emitter_.num_slots();
  plan.counts.num_slot_rows = emitter_.num_slot_rows();
  plan.predicted_us = chooser_.PredictUs(runs_, pieces_);
  const double bytes_us = runs_.unique_bytes() / (device_.total_gb_s * 1e3);
  const double flops_us = runs_.flops() / (device_.num_workers * device_.worker_gflop_s * 1e3);
  plan.floor_us = std::max(bytes_us, flops_us);
  return plan;
}

}  // namespace weir
