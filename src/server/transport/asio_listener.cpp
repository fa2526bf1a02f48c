// SPDX-License-Identifier: Apache-2.0
#include "server/transport/asio_listener.h"

#include <arpa/inet.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

namespace weir {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using asio::ip::tcp;
using boost::system::error_code;

// Of each side, without a byte: a host that has vanished is noticed while nothing is written to it.
constexpr int kProbeAfterS = 60, kProbeEveryS = 15, kProbes = 4;

Status Open(Acceptor& acceptor, const stream_protocol::endpoint& endpoint, int family,
            const std::string& what) {
  error_code error;
  acceptor.open(stream_protocol(family, family == AF_UNIX ? 0 : IPPROTO_TCP), error);
  if (!error && family != AF_UNIX)
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Err(Code::kIo, what, ": cannot listen there: ", error.message());
  return Ok();
}

Result<tcp::endpoint> Resolve(asio::io_context& io, const HttpServerOptions& options) {
  if (options.port < 0 || options.port > 65535) {
    return Err(Code::kInvalidArgument, "port: found ", options.port, ", wanted 0 to 65535");
  }
  const auto port = static_cast<uint16_t>(options.port);
  error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (!error) return tcp::endpoint(address, port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(options.host, std::to_string(port), error);
  if (error || found.empty()) {
    return Err(Code::kInvalidArgument, "host: found ", options.host,
               ", which is no address and no name of one (", error.message(), ")");
  }
  return found.begin()->endpoint();
}

Result<Listener> ListenTcp(asio::io_context& io, const HttpServerOptions& options) {
  WEIR_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, Resolve(io, options));
  const bool v6 = endpoint.address().is_v6();
  const std::string host =
      v6 ? "[" + endpoint.address().to_string() + "]" : endpoint.address().to_string();
  Acceptor acceptor(io);
  const std::string what = host + ":" + std::to_string(endpoint.port());
  WEIR_RETURN_IF_ERROR(Open(acceptor, endpoint, v6 ? AF_INET6 : AF_INET, what));
  error_code error;
  tcp::endpoint bound;
  const auto local = acceptor.local_endpoint(error);
  if (!error && local.size() <= bound.capacity()) {
    std::copy_n(reinterpret_cast<const char*>(local.data()), local.size(),
                reinterpret_cast<char*>(bound.data()));
  }
  const int32_t port = bound.port();
  return Listener{.acceptor = std::move(acceptor),
                  .url = "http://" + host + ":" + std::to_string(port),
                  .port = port,
                  .uds = ""};
}

// Frees the path where the socket of a server that is gone stands.
Status ClearPath(asio::io_context& io, const std::string& path) {
  std::error_code none;
  const auto status = std::filesystem::symlink_status(path, none);
  if (status.type() == std::filesystem::file_type::not_found) return Ok();
  if (status.type() != std::filesystem::file_type::socket) {
    return Err(Code::kInvalidArgument, path, ": is there and is not a socket, wanted a free path");
  }
  asio::local::stream_protocol::socket probe(io);
  error_code error;
  probe.connect(asio::local::stream_protocol::endpoint(path), error);
  if (error != asio::error::connection_refused) {
    return Err(Code::kIo, path, ": another server answers there");
  }
  ::unlink(path.c_str());
  return Ok();
}

Result<Listener> ListenPath(asio::io_context& io, const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un{}.sun_path)) {
    return Err(Code::kInvalidArgument, path, ": has ", path.size(), " bytes, a socket's path has ",
               sizeof(sockaddr_un{}.sun_path) - 1, " at most");
  }
  WEIR_RETURN_IF_ERROR(ClearPath(io, path));
  Acceptor acceptor(io);
  const asio::local::stream_protocol::endpoint endpoint(path);
  WEIR_RETURN_IF_ERROR(Open(acceptor, endpoint, AF_UNIX, path));
  return Listener{.acceptor = std::move(acceptor), .url = "unix:" + path, .port = 0, .uds = path};
}

std::string PeerName(stream_protocol::socket& socket) {
  error_code error;
  const stream_protocol::endpoint peer = socket.remote_endpoint(error);
  if (error) return "gone";
  const auto* address = static_cast<const sockaddr*>(peer.data());
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4->sin_port));
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  return "unix";
}

void SetTcpOption(int socket, int option, int value) {
  // One that the system does not take is done without.
  (void)::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

Result<Listener> Listen(asio::io_context& io, const HttpServerOptions& options) {
  return options.uds.empty() ? ListenTcp(io, options) : ListenPath(io, options.uds);
}

std::string PrepareSocket(stream_protocol::socket& socket, const HttpServerOptions& options) {
  error_code ignored;
  if (options.send_buffer_bytes > 0) {
    socket.set_option(asio::socket_base::send_buffer_size(options.send_buffer_bytes), ignored);
  }
  if (options.uds.empty()) {
    const int handle = socket.native_handle();
    SetTcpOption(handle, TCP_NODELAY, 1);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    SetTcpOption(handle, TCP_KEEPIDLE, kProbeAfterS);
    SetTcpOption(handle, TCP_KEEPINTVL, kProbeEveryS);
    SetTcpOption(handle, TCP_KEEPCNT, kProbes);
  }
  return PeerName(socket);
}

}  // namespace weir
