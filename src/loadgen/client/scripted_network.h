// SPDX-License-Identifier: Apache-2.0
//
// For tests: a network that replays answers in time of its own. Nothing here waits.
#ifndef WEIR_LOADGEN_CLIENT_SCRIPTED_NETWORK_H_
#define WEIR_LOADGEN_CLIENT_SCRIPTED_NETWORK_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "loadgen/client/network.h"

namespace weir::loadgen {

// What a server does after a request: bytes after so many seconds, or the end of the connection.
struct ScriptedBytes {
  double after_s;
  std::string bytes;
  bool ends = false;
  std::string error;  // with `ends`
};
using Script = std::vector<ScriptedBytes>;

class ScriptedNetwork : public Network {
 public:
  // Called with the request's text and its number, from 0.
  explicit ScriptedNetwork(std::function<Script(const std::string&, int)> serve, double now_s = 100)
      : serve_(std::move(serve)), now_s_(now_s) {}

  double Now() override { return now_s_; }
  double CpuSeconds() override { return 0; }
  ConnectionId Open() override {
    ++num_opened;
    open_.insert(++last_id_);
    return last_id_;
  }
  void Send(ConnectionId connection, std::string_view bytes) override {
    for (const ScriptedBytes& step : serve_(std::string(bytes), num_requests++)) {
      events_.emplace(now_s_ + step.after_s, std::pair(connection, step));
    }
  }
  void Close(ConnectionId connection) override { open_.erase(connection); }
  void Wait(double until_s, NetworkHandler& handler) override {
    const double next_s = events_.empty() ? until_s : std::min(until_s, events_.begin()->first);
    now_s_ = std::max(now_s_, next_s);
    while (!events_.empty() && events_.begin()->first <= now_s_) {
      const auto [connection, step] = events_.begin()->second;
      events_.erase(events_.begin());
      if (!open_.contains(connection)) continue;
      if (!step.ends) {
        handler.OnBytes(connection, now_s_, step.bytes);
        continue;
      }
      open_.erase(connection);
      handler.OnEnd(connection, now_s_, step.error);
    }
  }

  size_t num_open() const { return open_.size(); }

  int num_requests = 0;
  int num_opened = 0;

 private:
  std::function<Script(const std::string&, int)> serve_;
  double now_s_;
  ConnectionId last_id_ = 0;
  std::set<ConnectionId> open_;
  std::multimap<double, std::pair<ConnectionId, ScriptedBytes>> events_;
};

inline std::string ScriptedHead() {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
}
inline std::string ScriptedChunk(const std::string& data) {
  const std::string event = "data: " + data + "\n\n";
  constexpr char kDigits[] = "0123456789abcdef";
  const size_t n = event.size();
  const std::string size = {kDigits[n >> 8 & 15], kDigits[n >> 4 & 15], kDigits[n & 15]};
  return size + "\r\n" + event + "\r\n";
}

// `num_tokens` tokens, the first after `ttft_s` and then one every `gap_s`.
inline Script ScriptedAnswer(int num_tokens, double ttft_s, double gap_s, int prompt_tokens = 3) {
  Script script;
  for (int i = 0; i < num_tokens; ++i) {
    script.push_back({ttft_s + i * gap_s, ScriptedChunk(R"({"choices":[{"text":"t"}]})")});
  }
  script[0].bytes = ScriptedHead() + script[0].bytes;
  script.back().bytes +=
      ScriptedChunk(R"({"choices":[],"usage":{"prompt_tokens":)" + std::to_string(prompt_tokens) +
                    R"(,"completion_tokens":)" + std::to_string(num_tokens) + "}}") +
      ScriptedChunk("[DONE]") + "0\r\n\r\n";
  return script;
}

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_SCRIPTED_NETWORK_H_
