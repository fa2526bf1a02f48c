// SPDX-License-Identifier: Apache-2.0
//
// How long the pieces of a step's runs should be: one number for its decodes and one for its
// prefills, chosen for the whole step by predicted time.
#ifndef WEIR_ATTENTION_PAYLOAD_H_
#define WEIR_ATTENTION_PAYLOAD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/fluid_model.h"
#include "attention/run_list.h"

namespace weir {

inline constexpr int32_t kNoSplit = INT32_MAX;

// Units of keys that a piece has at most. A run of n units is cut into ceil(n / payload) pieces
// whose lengths differ by one unit at most.
struct Payload {
  int32_t decode = kNoSplit;
  int32_t prefill = kNoSplit;
};

constexpr int32_t NumPieces(int32_t num_units, int32_t payload) {
  if (num_units <= payload) return 1;
  return static_cast<int32_t>((int64_t{num_units} + payload - 1) / payload);
}

class PayloadChooser {
 public:
  PayloadChooser(const AttnShape& shape, const DeviceProfile& device, const PlanCapacity& capacity);

  // The candidate of least predicted time. "No split" is always among them, and wins ties.
  Payload Choose(const RunList& runs);

  // The payload, raised so that the bounds of PlanCapacity hold for these runs.
  Payload Bounded(const RunList& runs, Payload payload) const;

  // Launch, items and merge of the runs, each cut into so many pieces.
  double PredictUs(const RunList& runs, std::span<const int32_t> pieces);

 private:
  // Runs of equal length and cost.
  struct LengthClass {
    int32_t num_units;
    double missing;  // of the last unit, as a fraction
    int32_t packed_rows;
    bool decode;
    bool merged;  // its tile has another run, so that even one piece writes a part
    double unit_bytes;
    double unit_us;
    int64_t count;
  };
  LengthClass ClassOf(const KvRun& run) const;
  void ListClasses(const RunList& runs);
  void MergeEqualClasses();
  double PredictUs(const Payload& payload);
  double PiecesUs(int64_t num_slot_rows);
  int64_t AddPieces(const LengthClass& c, int32_t pieces);
  void AddPieces(const LengthClass& c, double num_units, int64_t count);
  int32_t ShareOf(int64_t num_units, double fraction) const;

  AttnShape shape_;
  DeviceProfile device_;
  PlanCapacity capacity_;
  FluidPredictor predictor_;
  std::vector<LengthClass> classes_;
  std::vector<FluidClass> pieces_;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_PAYLOAD_H_
