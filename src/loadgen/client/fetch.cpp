// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/fetch.h"

#include <optional>

#include "base/error.h"
#include "loadgen/client/response_parser.h"

namespace weir::loadgen {
namespace {

class Fetching : public NetworkHandler {
 public:
  explicit Fetching(ConnectionId connection) : connection_(connection) {}

  void OnBytes(ConnectionId connection, double, std::string_view bytes) override {
    if (connection != connection_ || status_) return;
    const Result<size_t> taken = parser_.Feed(bytes, answer_.body);
    if (!taken) {
      status_ = tl::unexpected(taken.error());
    } else if (answer_.body.size() > kMaxAnswerBytes) {
      status_ = Err(Code::kIo, "answer: found more than ", kMaxAnswerBytes, " bytes");
    } else if (parser_.complete()) {
      status_ = Ok();
    }
  }
  void OnEnd(ConnectionId connection, double, std::string_view error) override {
    if (connection != connection_) return;
    ended_ = true;
    if (!status_) status_ = error.empty() ? parser_.End() : Status(Err(Code::kIo, error));
  }

  bool running() const { return !status_.has_value(); }
  bool ended() const { return ended_; }

  Result<HttpAnswer> Take() {
    WEIR_RETURN_IF_ERROR(*status_);
    answer_.status = parser_.status();
    answer_.reason = parser_.reason();
    return std::move(answer_);
  }

 private:
  ConnectionId connection_;
  ResponseParser parser_;
  HttpAnswer answer_;
  std::optional<Status> status_;
  bool ended_ = false;
};

}  // namespace

Result<HttpAnswer> Fetch(Network& network, std::string_view request, double timeout_s) {
  const ConnectionId connection = network.Open();
  Fetching fetching(connection);
  network.Send(connection, request);
  const double until_s = network.Now() + timeout_s;
  while (fetching.running() && network.Now() < until_s) network.Wait(until_s, fetching);
  if (!fetching.ended()) network.Close(connection);
  if (fetching.running()) return Err(Code::kIo, "no answer within ", timeout_s, " s");
  return fetching.Take();
}

}  // namespace weir::loadgen
