// SPDX-License-Identifier: Apache-2.0
//
// How long the pieces of a step's runs should be: one number for its decodes and one for its
// prefills, chosen for the whole step by predicted time.
#ifndef WEIR_ATTENTION_PAYLOAD_H_
#define WEIR_ATTENTION_PAYLOAD_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attention/fluid_model.h"
#include "attention/piece_histogram.h"
#include "attention/run_list.h"

namespace weir {

inline constexpr int32_t kNoSplit = INT32_MAX;

// Units of keys that a piece has at most. A run of n units is cut into ceil(n / payload) pieces
// whose lengths differ by one unit at most.
struct Payload {
  int32_t decode = kNoSplit;
  int32_t prefill = kNoSplit;
  friend bool operator==(const Payload&, const Payload&) = default;
};

constexpr int32_t NumPieces(int32_t num_units, int32_t payload) {
  return num_units <= payload ? 1 : (num_units - 1) / payload + 1;
}

// The next one to try where a payload leaves too many parts.
constexpr int32_t LongerPayload(int32_t payload) {
  return payload > kNoSplit / 2 ? kNoSplit : payload + (payload >= 4 ? payload / 4 : 1);
}

class PayloadChooser {
 public:
  PayloadChooser(const AttnShape& shape, const DeviceProfile& device, const PlanCapacity& capacity);

  // Looks at the runs that the following calls are about.
  void Load(const RunList& runs);

  // The candidate of least predicted time whose parts fit the slots. "No split" is always among
  // them, and wins ties.
  Payload Choose();

  // The payload, raised so that the bound on items holds.
  Payload Bounded(Payload payload) const;

  // Launch, items and merge. More than 48 runs are taken together where their lengths are near.
  double PredictUs(const Payload& payload);

  // The same of any runs, each cut into so many pieces.
  double PredictUs(const RunList& runs, std::span<const int32_t> pieces);

 private:
  // Runs of equal or near length and equal cost.
  struct LengthClass {
    int32_t num_units;
    double mean_units;  // the last unit may be cut short
    int32_t packed_rows;
    bool decode;
    bool first;
    bool merged;  // its tiles have another run, so that even one piece writes a part
    double unit_bytes;
    double unit_us;
    int64_t count;
  };
  // Runs of one key are in one class.
  struct Key {
    uint64_t kind;
    int32_t run;
  };
  struct Choice {
    Payload payload;
    double us = 0;  // 0: none yet
    double weighted_us = std::numeric_limits<double>::infinity();
  };
  void ConsiderDecodes(int32_t prefill);
  void ConsiderPrefills();
  void Consider(const Payload& payload, const SlotRows& rows, double weight);
  bool Fit(const SlotRows& rows) const;
  LengthClass ClassOf(const KvRun& run, int64_t num_tokens, int64_t count) const;
  SlotRows Cut(const Payload& payload);
  int64_t AddPieces(const LengthClass& c, int32_t pieces);
  void AddPieces(const LengthClass& c, double num_units, int64_t count);
  int64_t NumParts(const LengthClass& c, int32_t pieces) const;
  double PiecesUs(int64_t num_slot_rows);
  double AtLeastUs(int64_t num_slot_rows, double longest_us) const;
  int32_t ShareOf(int64_t num_units, double fraction) const;

  AttnShape shape_;
  DeviceProfile device_;
  PlanCapacity capacity_;
  FluidPredictor predictor_;
  PieceHistogram pieces_;
  std::vector<Key> keys_;
  std::vector<LengthClass> classes_;
  Choice best_;
  int64_t decode_units_ = 0;  // of all KV heads
  int64_t prefill_units_ = 0;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_PAYLOAD_H_
