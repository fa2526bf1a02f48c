// SPDX-License-Identifier: Apache-2.0
#include "attention/payload.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/check.h"

namespace weir {
namespace {

constexpr double kPerUs = 1e3;  // bytes per microsecond of a GB/s

// Of a worker's share of the step; the payload is a share over this.
constexpr double kDecodeFractions[] = {3.0 / 8, 1.0 / 2, 3.0 / 4, 1, 3.0 / 2, 2, 3, 4, 6};
constexpr double kPrefillFractions[] = {1, 2};

// Splitting must be predicted to save this much, which is about the predictor's error: then it is
// never slower than not splitting.
constexpr double kSplitGain = 0.97;

// Beyond this many lengths they are rounded up to four to the octave, for choosing only.
constexpr size_t kMaxExactClasses = 48;

int32_t RoundUpQuarterOctave(int32_t n) {
  if (n <= 8) return n;
  const double octave = std::ceil(4 * std::log2(static_cast<double>(n)) - 1e-9);
  return std::max(n, static_cast<int32_t>(std::floor(std::exp2(octave / 4))));
}

}  // namespace

PayloadChooser::PayloadChooser(const AttnShape& shape, const DeviceProfile& device,
                               const PlanCapacity& capacity)
    : shape_(shape), device_(device), capacity_(capacity), predictor_(device) {
  classes_.reserve(capacity.max_runs);
  pieces_.reserve(size_t{3} * capacity.max_runs);
}

Payload PayloadChooser::Choose(const RunList& runs) {
  ListClasses(runs);
  Payload best;
  double best_us = kSplitGain * PredictUs(best);
  const auto consider = [&](const Payload& candidate) {
    const double us = PredictUs(candidate);
    if (us >= best_us) return;
    best_us = us;
    best = candidate;
  };
  int32_t widest = 1;
  int32_t longest = 1;
  int64_t prefill_items = 0;
  for (const LengthClass& c : classes_) {
    if (c.decode) widest = std::max(widest, c.packed_rows);
    if (c.decode) longest = std::max(longest, c.num_units);
    if (!c.decode) prefill_items += c.count * shape_.num_kv_heads;
  }
  const double max_fraction = MaxPayloadFraction(capacity_, device_, widest);
  const int64_t decode_units = runs.num_decode_units();
  for (const double f : kDecodeFractions) {
    if (decode_units == 0 || f > max_fraction) break;
    const int32_t least = (device_.min_payload_tiles * device_.tile_len + capacity_.unit_len - 1) /
                          capacity_.unit_len;
    const int32_t payload = std::max(least, ShareOf(decode_units, f));
    if (payload < longest) consider({.decode = payload, .prefill = kNoSplit});
  }
  // Prefills that keep all workers busy anyway are not worth a merge.
  if (prefill_items == 0 || prefill_items >= int64_t{2} * device_.num_workers) return best;
  const int32_t decode = best.decode;
  for (const double f : kPrefillFractions) {
    consider({.decode = decode, .prefill = ShareOf(runs.num_prefill_units(), f)});
  }
  return best;
}

Payload PayloadChooser::Bounded(const RunList& runs, Payload payload) const {
  int32_t widest = 1;
  for (const KvRun& run : runs.runs()) {
    if (run.decode) widest = std::max(widest, run.packed_rows);
  }
  const double f = MaxPayloadFraction(capacity_, device_, widest);
  payload.decode = std::max(payload.decode, ShareOf(runs.num_decode_units(), f));
  payload.prefill = std::max(payload.prefill, ShareOf(runs.num_prefill_units(), 2));
  return payload;
}

int32_t PayloadChooser::ShareOf(int64_t num_units, double fraction) const {
  const double share = static_cast<double>(num_units) / (fraction * device_.num_workers);
  return static_cast<int32_t>(std::min(std::max(1.0, std::ceil(share)), double{kNoSplit}));
}

PayloadChooser::LengthClass PayloadChooser::ClassOf(const KvRun& run) const {
  const int32_t tokens = run.kv_end - run.kv_begin;
  return {.num_units = run.num_units,
          .missing = run.num_units - static_cast<double>(tokens) / capacity_.unit_len,
          .packed_rows = run.packed_rows,
          .decode = run.decode,
          .merged = run.tile < 0 || !run.first,
          .unit_bytes = run.unit_bytes,
          .unit_us = run.unit_us,
          .count = 1};
}

void PayloadChooser::ListClasses(const RunList& runs) {
  classes_.clear();
  for (const KvRun& run : runs.runs()) {
    if (run.num_units == 0) continue;
    classes_.push_back(ClassOf(run));
  }
  MergeEqualClasses();
  if (classes_.size() <= kMaxExactClasses) return;
  for (LengthClass& c : classes_) {
    c.num_units = RoundUpQuarterOctave(c.num_units);
    c.missing = 0;
  }
  MergeEqualClasses();
}

void PayloadChooser::MergeEqualClasses() {
  const auto key = [](const LengthClass& c) {
    return std::tie(c.decode, c.merged, c.packed_rows, c.unit_bytes, c.unit_us, c.num_units,
                    c.missing);
  };
  std::sort(classes_.begin(), classes_.end(),
            [&](const LengthClass& a, const LengthClass& b) { return key(a) < key(b); });
  size_t kept = 0;
  for (size_t i = 0; i < classes_.size(); ++i) {
    if (kept > 0 && key(classes_[kept - 1]) == key(classes_[i])) {
      classes_[kept - 1].count += classes_[i].count;
    } else {
      classes_[kept++] = classes_[i];
    }
  }
  classes_.resize(kept);
}

double PayloadChooser::PredictUs(const Payload& payload) {
  pieces_.clear();
  int64_t slot_rows = 0;
  for (const LengthClass& c : classes_) {
    slot_rows += AddPieces(c, NumPieces(c.num_units, c.decode ? payload.decode : payload.prefill));
  }
  return PiecesUs(slot_rows);
}

double PayloadChooser::PredictUs(const RunList& runs, std::span<const int32_t> pieces) {
  pieces_.clear();
  int64_t slot_rows = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (runs.runs()[i].num_units > 0) slot_rows += AddPieces(ClassOf(runs.runs()[i]), pieces[i]);
  }
  return pieces_.empty() ? 0 : PiecesUs(slot_rows);
}

double PayloadChooser::PiecesUs(int64_t num_slot_rows) {
  const double worker = device_.worker_gb_s * kPerUs;
  const auto alone_us = [worker](const FluidClass& c) {
    return std::max(c.bytes / worker, c.compute_us);
  };
  std::sort(pieces_.begin(), pieces_.end(),
            [&](const FluidClass& a, const FluidClass& b) { return alone_us(a) > alone_us(b); });
  return device_.launch_us + predictor_.ItemsUs(pieces_) + MergeUs(shape_, device_, num_slot_rows);
}

// Returns the slot rows that the pieces write.
int64_t PayloadChooser::AddPieces(const LengthClass& c, int32_t pieces) {
  const int32_t base = c.num_units / pieces;
  const int32_t longer = c.num_units % pieces;
  AddPieces(c, base + 1, longer);
  AddPieces(c, base, pieces - longer - 1);
  AddPieces(c, base - c.missing, 1);  // the last one
  if (pieces == 1 && !c.merged) return 0;
  return c.count * pieces * c.packed_rows * shape_.num_kv_heads;
}

void PayloadChooser::AddPieces(const LengthClass& c, double num_units, int64_t count) {
  if (num_units <= 0 || count == 0) return;
  const double bytes = num_units * c.unit_bytes;
  const double compute_us = num_units * c.unit_us;
  const bool computes = compute_us > bytes / (device_.worker_gb_s * kPerUs);
  pieces_.push_back({.bytes = bytes,
                     .compute_us = computes ? compute_us : 0,
                     .count = count * c.count * shape_.num_kv_heads});
}

}  // namespace weir
