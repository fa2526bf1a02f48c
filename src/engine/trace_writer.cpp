// SPDX-License-Identifier: Apache-2.0
#include "engine/trace_writer.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/step_json.h"

namespace weir {
namespace {

// How often the file gets what has come: the queue holds what an engine does meanwhile many times.
constexpr int kPeriodMs = 50;

struct ToLine {
  std::string operator()(const StepRecord& step) const {
    return DumpJson({{"step", ToJson(step)}});
  }
  std::string operator()(const RowRecord& row) const { return DumpJson({{"row", ToJson(row)}}); }
  std::string operator()(const RequestRecord& request) const {
    return DumpJson({{"request", ToJson(request)}});
  }
  std::string operator()(const StepCost& cost) const { return DumpJson({{"cost", ToJson(cost)}}); }
};

}  // namespace

Result<std::unique_ptr<TraceWriter>> TraceWriter::Open(const std::string& path,
                                                       int64_t queue_records) {
  WEIR_CHECK_GT(queue_records, 0);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    return Err(Code::kIo, path, ": cannot write a trace there: ", std::strerror(errno));
  }
  return std::unique_ptr<TraceWriter>(new TraceWriter(path, file, queue_records));
}

TraceWriter::TraceWriter(std::string path, std::FILE* file, int64_t queue_records)
    : path_(std::move(path)), file_(file), queue_(static_cast<size_t>(queue_records)) {
  WriteLine(R"({"weir_trace":1,"clock":"steady_us"})");
  std::fflush(file_);
  thread_ = std::thread([this] { Run(); });
}

TraceWriter::~TraceWriter() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  stopped_.NotifyAll();
  thread_.join();
  WriteQueued();
  if (std::fclose(file_) != 0 && !failed_) {
    WEIR_LOG(ERROR, "trace not written to its end", "file", path_, "why", std::strerror(errno));
  }
  if (num_dropped() > 0) {
    WEIR_LOG(WARN, "trace has holes", "file", path_, "dropped_records", num_dropped());
  }
}

void TraceWriter::Put(Record record) {
  const auto capacity = static_cast<int64_t>(queue_.size());
  const int64_t head = head_.load(std::memory_order_relaxed);
  if (head - tail_.load(std::memory_order_acquire) >= capacity) {
    num_dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  queue_[static_cast<size_t>(head % capacity)] = std::move(record);
  head_.store(head + 1, std::memory_order_release);
}

void TraceWriter::Run() {
  bool stop = false;
  while (!stop) {
    {
      const MutexLock lock(mutex_);
      if (!stop_) stopped_.WaitFor(mutex_, kPeriodMs);
      stop = stop_;
    }
    WriteQueued();
  }
}

void TraceWriter::WriteQueued() {
  const auto capacity = static_cast<int64_t>(queue_.size());
  const int64_t tail = tail_.load(std::memory_order_relaxed);
  const int64_t head = head_.load(std::memory_order_acquire);
  for (int64_t i = tail; i < head; ++i) {
    WriteLine(std::visit(ToLine(), queue_[static_cast<size_t>(i % capacity)]));
    tail_.store(i + 1, std::memory_order_release);
  }
  const int64_t dropped = num_dropped();
  if (dropped > reported_drops_ && !failed_) {
    WriteLine(DumpJson({{"dropped", dropped - reported_drops_}}));
    reported_drops_ = dropped;
  }
  if (head > tail) std::fflush(file_);
}

void TraceWriter::WriteLine(const std::string& line) {
  if (failed_) {
    num_dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const bool written = std::fwrite(line.data(), 1, line.size(), file_) == line.size() &&
                       std::fputc('\n', file_) != EOF;
  if (written) return;
  failed_ = true;
  WEIR_LOG(ERROR, "trace cannot be written any more", "file", path_, "why", std::strerror(errno));
}

}  // namespace weir
