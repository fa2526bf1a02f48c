// SPDX-License-Identifier: Apache-2.0
#include "server/transport/front.h"

#include "server/transport/http_error.h"

namespace weir {
namespace {

constexpr int kRetryWhileLoadingS = 2;

HttpResponse NotReady() {
  return HttpError(503, "not_ready", "the model is not loaded", kRetryWhileLoadingS);
}

}  // namespace

HttpVerdict Front::Check(HttpRequest& head) const {
  HttpVerdict verdict{.headers = cors_.HeadersFor(head.Header("origin"))};
  if (head.method == "OPTIONS" && head.path == "*") {
    verdict.refusal = HttpResponse{.status = 204, .content_type = ""};
    verdict.refusal->headers.emplace_back("Allow", "GET, HEAD, POST, OPTIONS");
    return verdict;
  }
  verdict.refusal = cors_.Check(head);
  if (!verdict.refusal) verdict.refusal = auth_.Check(head);
  if (verdict.refusal) return verdict;
  MutexLock lock(mutex_);
  if (!service_) verdict.refusal = NotReady();
  return verdict;
}

void Front::Handle(HttpRequest request, std::shared_ptr<HttpReply> reply) const {
  std::shared_ptr<const HttpHandler> service;
  {
    MutexLock lock(mutex_);
    service = service_;
    if (service) ++num_calls_;
  }
  if (!service) return reply->Send(NotReady());
  const auto done = [this](const void*) {
    MutexLock lock(mutex_);
    if (--num_calls_ == 0) no_calls_.NotifyAll();
  };
  // However the service returns.
  const std::unique_ptr<const Front, decltype(done)> guard(this, done);
  (*service)(std::move(request), std::move(reply));
}

void Front::Open(HttpHandler service) {
  auto opened = std::make_shared<const HttpHandler>(std::move(service));
  MutexLock lock(mutex_);
  service_ = std::move(opened);
}

void Front::Close() {
  MutexLock lock(mutex_);
  service_ = nullptr;
  while (num_calls_ > 0) no_calls_.Wait(mutex_);
}

}  // namespace weir
