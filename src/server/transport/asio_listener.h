// SPDX-License-Identifier: Apache-2.0
//
// The listening socket, of TCP or of a path.
#ifndef WEIR_SERVER_TRANSPORT_ASIO_LISTENER_H_
#define WEIR_SERVER_TRANSPORT_ASIO_LISTENER_H_

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <string>

#include <weir/result.h>

#include "server/transport/http_server.h"

namespace weir {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

struct Listener {
  Acceptor acceptor;
  std::string url;
  int32_t port;     // 0: a path
  std::string uds;  // the path; to be removed at the end
};

// A path where a server answers already is left alone; a socket that a dead one left is replaced.
Result<Listener> Listen(boost::asio::io_context& io, const HttpServerOptions& options);

// What a fresh connection is set to, and what its other end is called: "127.0.0.1:40112", "unix".
std::string PrepareSocket(boost::asio::generic::stream_protocol::socket& socket,
                          const HttpServerOptions& options);

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_ASIO_LISTENER_H_
