// SPDX-License-Identifier: Apache-2.0
//
// Network on sockets: one thread, epoll, a timer of nanoseconds. Bytes are handed over right after
// they were read, with the time of that moment.
#ifndef WEIR_LOADGEN_CLIENT_EPOLL_NETWORK_H_
#define WEIR_LOADGEN_CLIENT_EPOLL_NETWORK_H_

#include <memory>

#include <weir/result.h>

#include "loadgen/client/network.h"
#include "loadgen/client/url.h"

namespace weir::loadgen {

// Resolves the server's name, once. Raises the limit of open files to what the system allows.
Result<std::unique_ptr<Network>> MakeEpollNetwork(const Url& server);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_EPOLL_NETWORK_H_
