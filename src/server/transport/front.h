// SPDX-License-Identifier: Apache-2.0
//
// The door between the transport and the service behind it: answers 503 until the service is there,
// and lets in only who may.
#ifndef WEIR_SERVER_TRANSPORT_FRONT_H_
#define WEIR_SERVER_TRANSPORT_FRONT_H_

#include <memory>

#include "base/mutex.h"
#include "server/http.h"
#include "server/transport/auth.h"
#include "server/transport/cors.h"
#include "server/transport/http_server.h"

namespace weir {

class Front {
 public:
  Front(Auth auth, Cors cors) : auth_(std::move(auth)), cors_(std::move(cors)) {}

  // Any thread; an HttpGate and an HttpHandler.
  HttpVerdict Check(HttpRequest& head) const;
  void Handle(HttpRequest request, std::shared_ptr<HttpReply> reply) const;

  // Any thread. Once Close returns the service is not called any more.
  void Open(HttpHandler service);
  void Close();

 private:
  const Auth auth_;
  const Cors cors_;
  mutable Mutex mutex_;
  mutable CondVar no_calls_;
  mutable int32_t num_calls_ WEIR_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const HttpHandler> service_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_FRONT_H_
