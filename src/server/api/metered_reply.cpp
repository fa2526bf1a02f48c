// SPDX-License-Identifier: Apache-2.0
#include "server/api/metered_reply.h"

#include <utility>

#include "server/api/steady_clock.h"

namespace weir {
namespace {

// For a reply that nobody waited for: nginx's word for it, a 4xx, as it is no failure of ours.
constexpr int kClientGone = 499;

}  // namespace

MeteredReply::MeteredReply(std::shared_ptr<HttpReply> inner, HttpMetrics& metrics,
                           const HttpRequest& request)
    : inner_(std::move(inner)),
      metrics_(metrics),
      method_(request.method == "HEAD" ? "GET" : request.method),
      path_(request.path),
      arrived_us_(request.arrived_us),
      request_bytes_(static_cast<int64_t>(request.body.size())) {}

MeteredReply::~MeteredReply() { Record(stream_status_ != 0 ? stream_status_.load() : kClientGone); }

void MeteredReply::Record(int status) {
  if (recorded_.exchange(true)) return;
  metrics_.Record(method_, path_, status, static_cast<double>(SteadyUs() - arrived_us_) * 1e-6,
                  request_bytes_, response_bytes_);
}

void MeteredReply::Send(HttpResponse response) {
  response_bytes_ += static_cast<int64_t>(response.body.size());
  Record(response.status);
  inner_->Send(std::move(response));
}

void MeteredReply::StartStream(HttpResponse head) {
  stream_status_ = head.status;
  inner_->StartStream(std::move(head));
}

bool MeteredReply::Write(std::string bytes) {
  response_bytes_ += static_cast<int64_t>(bytes.size());
  return inner_->Write(std::move(bytes));
}

void MeteredReply::End() {
  Record(stream_status_);
  inner_->End();
}

}  // namespace weir
