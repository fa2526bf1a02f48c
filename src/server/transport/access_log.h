// SPDX-License-Identifier: Apache-2.0
//
// A line per request: who asked what, how it was answered, how long it took. Never a key, a query
// or a body. Lines are written by a thread of their own, because a log that cannot be written to
// must not hold up the sockets; when too many wait, further ones are counted and dropped.
#ifndef WEIR_SERVER_TRANSPORT_ACCESS_LOG_H_
#define WEIR_SERVER_TRANSPORT_ACCESS_LOG_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "server/transport/http_server.h"

namespace weir {

struct AccessLogOptions {
  bool json = false;  // one object per line instead of key=value pairs
  std::vector<std::string> excluded_paths;
};

// Without the line end.
std::string AccessLogLine(const HttpRecord& record, bool json);

class AccessLog {
 public:
  // `write` is called on the log's thread with one or more whole lines.
  AccessLog(AccessLogOptions options, std::function<void(std::string_view lines)> write);
  ~AccessLog();  // when everything that waits has been written
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void Add(const HttpRecord& record);  // any thread

 private:
  void Run();

  const AccessLogOptions options_;
  const std::function<void(std::string_view)> write_;
  Mutex mutex_;
  CondVar changed_;
  std::string waiting_ WEIR_GUARDED_BY(mutex_);
  int64_t num_dropped_ WEIR_GUARDED_BY(mutex_) = 0;
  bool ending_ WEIR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_ACCESS_LOG_H_
