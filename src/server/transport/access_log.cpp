// SPDX-License-Identifier: Apache-2.0
#include "server/transport/access_log.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <utility>

#include "base/json.h"
#include "base/log.h"

namespace weir {
namespace {

constexpr size_t kMaxWaitingBytes = 4 << 20;

std::string UtcNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm t = {};
  ::gmtime_r(&seconds, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, ms % 1000);
}

}  // namespace

std::string AccessLogLine(const HttpRecord& r, bool json) {
  const double duration_ms = static_cast<double>(r.duration_us) / 1000.0;
  if (!json) {
    std::string line = "weir access:";
    log_internal::AppendPairs(line, "time", UtcNow(), "status", r.status, "method", r.method,
                              "path", r.path, "ms", fmt::format("{:.3f}", duration_ms), "in",
                              r.in_bytes, "out", r.out_bytes, "id", r.id, "peer", r.peer);
    if (!r.tenant.empty()) log_internal::AppendPairs(line, "key", r.tenant);
    if (r.gone) line += " gone";
    return line;
  }
  Json line = {{"time", UtcNow()},
               {"status", r.status},
               {"method", r.method},
               {"path", r.path},
               {"duration_ms", duration_ms},
               {"in_bytes", r.in_bytes},
               {"out_bytes", r.out_bytes},
               {"id", r.id},
               {"peer", r.peer}};
  if (!r.tenant.empty()) line["key"] = r.tenant;
  if (r.gone) line["gone"] = true;
  return DumpJson(line);
}

AccessLog::AccessLog(AccessLogOptions options, std::function<void(std::string_view)> write)
    : options_(std::move(options)), write_(std::move(write)), thread_([this] { Run(); }) {}

AccessLog::~AccessLog() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void AccessLog::Add(const HttpRecord& record) {
  const auto& excluded = options_.excluded_paths;
  if (std::find(excluded.begin(), excluded.end(), record.path) != excluded.end()) return;
  const std::string line = AccessLogLine(record, options_.json) + '\n';
  MutexLock lock(mutex_);
  if (waiting_.size() + line.size() > kMaxWaitingBytes) {
    ++num_dropped_;
    return;
  }
  if (waiting_.empty()) changed_.NotifyOne();
  waiting_ += line;
}

void AccessLog::Run() {
  std::string lines;
  int64_t num_dropped = 0;
  while (true) {
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !ending_) changed_.Wait(mutex_);
      if (waiting_.empty()) return;
      lines.clear();
      lines.swap(waiting_);
      num_dropped = std::exchange(num_dropped_, 0);
    }
    write_(lines);
    if (num_dropped > 0) WEIR_LOG(WARN, "access log too slow", "lines_dropped", num_dropped);
  }
}

}  // namespace weir
