// SPDX-License-Identifier: Apache-2.0
//
// A reply that reports itself to HttpMetrics when it is complete, or given up.
#ifndef WEIR_SERVER_API_METERED_REPLY_H_
#define WEIR_SERVER_API_METERED_REPLY_H_

#include <atomic>
#include <memory>
#include <string>

#include "server/http.h"
#include "server/metrics/http_metrics.h"

namespace weir {

class MeteredReply final : public HttpReply {
 public:
  // `metrics` must outlive the reply.
  MeteredReply(std::shared_ptr<HttpReply> inner, HttpMetrics& metrics, const HttpRequest& request);
  ~MeteredReply() override;

  void Send(HttpResponse response) override;
  void StartStream(HttpResponse head) override;
  bool Write(std::string bytes) override;
  void End() override;
  void OnGone(std::function<void()> gone) override { inner_->OnGone(std::move(gone)); }

 private:
  void Record(int status);

  const std::shared_ptr<HttpReply> inner_;
  HttpMetrics& metrics_;
  const std::string method_, path_;
  const int64_t arrived_us_, request_bytes_;
  std::atomic<int64_t> response_bytes_{0};
  std::atomic<int> stream_status_{0};  // 0: no stream
  std::atomic<bool> recorded_{false};
};

}  // namespace weir

#endif  // WEIR_SERVER_API_METERED_REPLY_H_
