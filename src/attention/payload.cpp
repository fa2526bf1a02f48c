// SPDX-License-Identifier: Apache-2.0
#include "attention/payload.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace weir {
namespace {

constexpr double kPerUs = 1e3;  // bytes per microsecond of a GB/s

// Of a worker's share of the step; the payload is a share over this.
constexpr double kDecodeFractions[] = {
    3.0 / 8, 1.0 / 2, 3.0 / 4, 1, 3.0 / 2, 2, 3, 4, kMaxPayloadFraction};
constexpr double kPrefillFractions[] = {1, 2};

// Splitting must be predicted to save this much, which is about the predictor's error: then it is
// never slower than not splitting.
constexpr double kSplitGain = 0.97;
// Beside prefills it is less exact, because it knows nothing of the order of the two kinds.
constexpr double kMixedSplitGain = 0.92;

// A payload this near to what no plan can beat is taken without a look at the others.
constexpr double kGoodEnough = 1.01;

// Beyond this many runs those of near length are taken for one class: up to 32 units exactly, then
// 16 classes to the octave.
constexpr size_t kMaxExactRuns = 48;

uint32_t LengthKey(const KvRun& run, bool exact) {
  if (exact) return static_cast<uint32_t>(run.kv_end - run.kv_begin);
  constexpr int kDroppedBits = 23 - 4;
  return std::bit_cast<uint32_t>(static_cast<float>(run.num_units)) >> kDroppedBits;
}

bool IsMerged(const KvRun& run) { return run.tile < 0 || !run.first; }

// All that tells the costs of two runs apart, in the bits of one number, so that classes are found,
// and come in the same order, however the sequences are named.
uint64_t KindOf(const KvRun& run, bool exact) {
  const uint64_t flags = (run.decode ? 1 : 0) | (IsMerged(run) ? 2 : 0) | (run.first ? 4 : 0) |
                         (run.contiguous ? 8 : 0);
  const auto tiles = static_cast<uint64_t>(std::min(run.num_tiles, (1 << 18) - 1));
  const auto rows = static_cast<uint64_t>(std::min(run.packed_rows, (1 << 14) - 1));
  return ((flags << 18 | tiles) << 14 | rows) << 28 | (LengthKey(run, exact) & ((1u << 28) - 1));
}

}  // namespace

PayloadChooser::PayloadChooser(const AttnShape& shape, const DeviceProfile& device,
                               const PlanCapacity& capacity)
    : shape_(shape), device_(device), capacity_(capacity), predictor_(device) {
  keys_.reserve(capacity.max_runs);
  classes_.reserve(capacity.max_runs);
}

void PayloadChooser::Load(const RunList& runs) {
  const bool exact = runs.runs().size() <= kMaxExactRuns;
  best_ = {};
  keys_.clear();
  decode_units_ = 0;
  prefill_units_ = 0;
  for (const KvRun& run : runs.runs()) {
    (run.decode ? decode_units_ : prefill_units_) += run.num_units;
    if (run.num_units == 0) continue;
    keys_.push_back({KindOf(run, exact), static_cast<int32_t>(&run - runs.runs().data())});
  }
  decode_units_ *= shape_.num_kv_heads;
  prefill_units_ *= shape_.num_kv_heads;
  std::sort(keys_.begin(), keys_.end(), [](const Key& a, const Key& b) { return a.kind < b.kind; });
  classes_.clear();
  for (size_t i = 0; i < keys_.size();) {
    const KvRun& run = runs.runs()[keys_[i].run];
    int64_t tokens = 0;
    int64_t count = 0;
    for (const uint64_t kind = keys_[i].kind; i < keys_.size() && keys_[i].kind == kind; ++i) {
      const KvRun& same = runs.runs()[keys_[i].run];
      tokens += same.kv_end - same.kv_begin;
      ++count;
    }
    classes_.push_back(ClassOf(run, tokens, count));
  }
}

PayloadChooser::LengthClass PayloadChooser::ClassOf(const KvRun& run, int64_t num_tokens,
                                                    int64_t count) const {
  const double mean_units =
      static_cast<double>(num_tokens) / (static_cast<double>(count) * capacity_.unit_len);
  return {.num_units = static_cast<int32_t>(std::ceil(mean_units)),
          .mean_units = mean_units,
          .packed_rows = run.packed_rows,
          .decode = run.decode,
          .first = run.first,
          .merged = IsMerged(run),
          .unit_bytes = run.unit_bytes,
          .unit_us = run.unit_us,
          .count = count};
}

Payload PayloadChooser::Choose() {
  best_ = {};
  if (classes_.empty()) return {};
  ConsiderDecodes(kNoSplit);
  Consider({}, Cut({}), prefill_units_ > 0 ? kMixedSplitGain : kSplitGain);
  ConsiderPrefills();
  return best_.payload;
}

// Payloads tried before, and those longer than any run, would be predicted in vain.
void PayloadChooser::ConsiderDecodes(int32_t prefill) {
  int32_t longest = 1;
  for (const LengthClass& c : classes_) {
    if (c.decode) longest = std::max(longest, c.num_units);
  }
  int32_t least =
      (device_.min_payload_tiles * device_.tile_len + capacity_.unit_len - 1) / capacity_.unit_len;
  std::array<int32_t, std::size(kDecodeFractions)> tried = {};
  for (size_t i = 0; i < tried.size(); ++i) {
    Payload payload = {.decode = std::max(least, ShareOf(decode_units_, kDecodeFractions[i])),
                       .prefill = prefill};
    if (payload.decode >= longest ||
        std::find(tried.begin(), tried.end(), payload.decode) != tried.end()) {
      continue;
    }
    SlotRows rows = Cut(payload);
    for (; !Fit(rows) && payload.decode < longest; least = payload.decode) {
      payload.decode = LongerPayload(payload.decode);
      rows = Cut(payload);
    }
    tried[i] = payload.decode;
    Consider(payload, rows, 1);
    if (best_.weighted_us <= kGoodEnough * AtLeastUs(0, 0)) return;
  }
}

// Prefills that keep all workers busy anyway are not worth a merge. Where they do not, pieces of
// them leave other gaps for the decodes.
void PayloadChooser::ConsiderPrefills() {
  int64_t items = 0;
  for (const LengthClass& c : classes_) items += c.decode ? 0 : c.count * shape_.num_kv_heads;
  if (items == 0 || items >= int64_t{2} * device_.num_workers) return;
  for (const double f : kPrefillFractions) {
    Payload payload = {.decode = kNoSplit, .prefill = ShareOf(prefill_units_, f)};
    SlotRows rows = Cut(payload);
    while (!Fit(rows)) {
      payload.prefill = LongerPayload(payload.prefill);
      rows = Cut(payload);
    }
    if (payload.prefill == kNoSplit) return;
    Consider(payload, rows, 1);
    ConsiderDecodes(payload.prefill);
  }
}

// `rows` are those of the pieces that were cut last, for this payload.
void PayloadChooser::Consider(const Payload& payload, const SlotRows& rows, double weight) {
  const int64_t slot_rows = rows.decode + rows.prefill;
  if (!Fit(rows) || weight * AtLeastUs(slot_rows, pieces_.longest_us()) > best_.weighted_us) return;
  const double us = PiecesUs(slot_rows);
  if (weight * us >= best_.weighted_us) return;
  best_ = {.payload = payload, .us = us, .weighted_us = weight * us};
}

bool PayloadChooser::Fit(const SlotRows& rows) const {
  return rows.decode <= capacity_.max_decode_slot_rows &&
         rows.prefill <= capacity_.max_prefill_slot_rows;
}

Payload PayloadChooser::Bounded(Payload payload) const {
  payload.decode = std::max(payload.decode, ShareOf(decode_units_, kMaxPayloadFraction));
  payload.prefill = std::max(payload.prefill, ShareOf(prefill_units_, 2));
  return payload;
}

int32_t PayloadChooser::ShareOf(int64_t num_units, double fraction) const {
  const double share = static_cast<double>(num_units) / (fraction * device_.num_workers);
  return static_cast<int32_t>(std::min(std::max(1.0, std::ceil(share)), double{kNoSplit}));
}

double PayloadChooser::PredictUs(const Payload& payload) {
  if (best_.us > 0 && payload == best_.payload) return best_.us;
  const SlotRows rows = Cut(payload);
  return classes_.empty() ? 0 : PiecesUs(rows.decode + rows.prefill);
}

double PayloadChooser::PredictUs(const RunList& runs, std::span<const int32_t> pieces) {
  pieces_.Clear();
  int64_t slot_rows = 0;
  bool any = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const KvRun& run = runs.runs()[i];
    if (run.num_units == 0) continue;
    slot_rows += AddPieces(ClassOf(run, run.kv_end - run.kv_begin, 1), pieces[i]);
    any = true;
  }
  return any ? PiecesUs(slot_rows) : 0;
}

// Lists the pieces of all classes. Returns the slot rows that they write.
SlotRows PayloadChooser::Cut(const Payload& payload) {
  pieces_.Clear();
  SlotRows rows = {0, 0};
  for (const LengthClass& c : classes_) {
    const int32_t pieces = NumPieces(c.num_units, c.decode ? payload.decode : payload.prefill);
    (c.decode ? rows.decode : rows.prefill) += AddPieces(c, pieces);
  }
  return rows;
}

int64_t PayloadChooser::AddPieces(const LengthClass& c, int32_t pieces) {
  const int32_t base = c.num_units / pieces;
  const int32_t longer = c.num_units % pieces;
  AddPieces(c, base + 1, longer);
  AddPieces(c, base, pieces - longer - 1);
  AddPieces(c, base - (c.num_units - c.mean_units), 1);  // the last one
  if (pieces == 1 && !c.merged) return 0;
  return c.count * NumParts(c, pieces) * c.packed_rows * shape_.num_kv_heads;
}

void PayloadChooser::AddPieces(const LengthClass& c, double num_units, int64_t count) {
  if (num_units <= 0 || count == 0) return;
  const double bytes = num_units * c.unit_bytes;
  const double compute_us = num_units * c.unit_us;
  const double read_us = bytes / (device_.worker_gb_s * kPerUs);
  pieces_.Add(std::max(read_us, compute_us), {.bytes = bytes,
                                              .compute_us = compute_us > read_us ? compute_us : 0,
                                              .count = count * c.count * shape_.num_kv_heads});
}

// Under batch invariance each segment is a part, but those of a row's first piece.
int64_t PayloadChooser::NumParts(const LengthClass& c, int32_t pieces) const {
  if (capacity_.segment_len == 0) return pieces;
  if (!c.first) return c.num_units;
  return 1 + c.num_units - (c.num_units + pieces - 1) / pieces;
}

double PayloadChooser::PiecesUs(int64_t num_slot_rows) {
  return device_.launch_us + predictor_.ItemsUs(pieces_.Classes()) +
         MergeUs(shape_, device_, num_slot_rows);
}

// No order of the pieces takes less, nor, with zeros, any pieces.
double PayloadChooser::AtLeastUs(int64_t num_slot_rows, double longest_us) const {
  const double reading_us = pieces_.total_bytes() / (device_.total_gb_s * kPerUs);
  const double computing_us = pieces_.total_compute_us() / device_.num_workers;
  return device_.launch_us + MergeUs(shape_, device_, num_slot_rows) + device_.item_us +
         std::max({longest_us, reading_us, computing_us});
}

}  // namespace weir
