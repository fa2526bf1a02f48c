// SPDX-License-Identifier: Apache-2.0
//
// Finds the records of a log by what they belong to.
#ifndef WEIR_ENGINE_LOG_INDEX_H_
#define WEIR_ENGINE_LOG_INDEX_H_

#include <cstdint>
#include <map>
#include <span>

#include "engine/step_load.h"
#include "engine/step_log.h"

namespace weir {

class LogIndex {
 public:
  // The log must outlive it.
  explicit LogIndex(const StepLog& log);

  const StepLog& log() const { return log_; }

  // Null where there is none.
  const RequestRecord* Request(RequestId id) const;
  const StepRecord* Step(int64_t step) const;

  // Steps in (after, until].
  std::span<const StepRecord> Steps(int64_t after, int64_t until) const;
  // Of one step.
  std::span<const RowRecord> Rows(int64_t step) const;

  // What a row adds to its step's load.
  StepLoad LoadOf(const RowRecord& row) const;

 private:
  const StepLog& log_;
  std::map<RequestId, const RequestRecord*> requests_;
};

// When a step was over, on the clock of StepRecord::begin_us.
inline double EndUs(const StepRecord& step) {
  return static_cast<double>(step.begin_us) + step.total_us;
}

}  // namespace weir

#endif  // WEIR_ENGINE_LOG_INDEX_H_
