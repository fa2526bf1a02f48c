// SPDX-License-Identifier: Apache-2.0
//
// Writes records to a file as JSON lines, from a thread of its own. Whoever has the records never
// waits: they go through a queue of fixed size, and what does not fit is dropped and counted.
//
//   {"weir_trace":1,"clock":"steady_us"}       the first line
//   {"request":{...}}  {"row":{...}}  {"step":{...}}  {"cost":{...}}    records (step_json.h); the
//                                              rows of a step come before it
//   {"dropped":12}                             so many records are missing here
#ifndef WEIR_ENGINE_TRACE_WRITER_H_
#define WEIR_ENGINE_TRACE_WRITER_H_

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <weir/result.h>
#include <weir/stats.h>

#include "base/mutex.h"

namespace weir {

class TraceWriter {
 public:
  static constexpr int64_t kDefaultQueue = 1 << 15;  // records

  // Creates the file, or empties it, and starts the thread.
  static Result<std::unique_ptr<TraceWriter>> Open(const std::string& path,
                                                   int64_t queue_records = kDefaultQueue);

  // Writes what is queued and closes the file; what went wrong is logged.
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  using Record = std::variant<StepRecord, RowRecord, RequestRecord, StepCost>;

  // From one thread. Never waits, and allocates for a request's label only.
  void Put(Record record);

  // Any thread: records that the queue or the disk had no place for.
  int64_t num_dropped() const { return num_dropped_.load(std::memory_order_relaxed); }

 private:
  TraceWriter(std::string path, std::FILE* file, int64_t queue_records);
  void Run();
  void WriteQueued();
  void WriteLine(const std::string& line);

  std::string path_;
  std::FILE* file_;  // the writer's thread only
  bool failed_ = false;
  int64_t reported_drops_ = 0;

  std::vector<Record> queue_;     // a ring: records [tail_, head_) are the writer's
  std::atomic<int64_t> head_{0};  // put so far
  std::atomic<int64_t> tail_{0};  // written so far
  std::atomic<int64_t> num_dropped_{0};

  Mutex mutex_;
  CondVar stopped_;
  bool stop_ WEIR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_TRACE_WRITER_H_
