// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/epoll_network.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace weir::loadgen {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr int kMaxEvents = 256;
constexpr ConnectionId kTimer = 0;

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family = AF_INET;
};

Result<Address> Resolve(const Url& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = fmt::format("{}", server.port);
  const int error = ::getaddrinfo(server.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0 || found == nullptr) {
    return Err(Code::kNotFound, server.host, ": ", ::gai_strerror(error),
               ", wanted a server's name or address");
  }
  Address address{.length = found->ai_addrlen, .family = found->ai_family};
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

double ThreadCpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class EpollNetwork : public Network {
 public:
  EpollNetwork(std::string server, const Address& address, FileDescriptor epoll,
               FileDescriptor timer)
      : server_(std::move(server)),
        address_(address),
        epoll_(std::move(epoll)),
        timer_(std::move(timer)),
        buffer_(kReadBytes) {}

  double Now() override { return NowSeconds(); }
  double CpuSeconds() override { return ThreadCpuSeconds(); }
  ConnectionId Open() override;
  void Send(ConnectionId connection, std::string_view bytes) override;
  void Close(ConnectionId connection) override { connections_.erase(connection); }
  void Wait(double until_s, NetworkHandler& handler) override;

 private:
  struct Connection {
    FileDescriptor socket;
    bool connected = false;
    std::string unsent;
    size_t sent = 0;    // of `unsent`
    std::string error;  // found outside of Wait, told by the next one
  };

  void StartConnecting(Connection& connection, ConnectionId id);
  void Flush(Connection& connection);
  void Watch(Connection& connection, ConnectionId id, bool write, int operation);
  void SetTimer(double until_s);
  void TellFailures(NetworkHandler& handler);
  void OnEvent(ConnectionId id, uint32_t events, NetworkHandler& handler);
  void Read(ConnectionId id, NetworkHandler& handler);
  void End(ConnectionId id, std::string_view error, NetworkHandler& handler);
  void NoteFailure(Connection& connection, ConnectionId id, std::string_view what, int error);

  std::string server_;  // for messages
  Address address_;
  FileDescriptor epoll_;
  FileDescriptor timer_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::vector<ConnectionId> failed_;
  ConnectionId last_id_ = kTimer;
  std::vector<char> buffer_;
};

void EpollNetwork::NoteFailure(Connection& connection, ConnectionId id, std::string_view what,
                               int error) {
  connection.error = fmt::format("{}: {}: {}", server_, what, std::strerror(error));
  failed_.push_back(id);
}

ConnectionId EpollNetwork::Open() {
  const ConnectionId id = ++last_id_;
  StartConnecting(connections_[id], id);
  return id;
}

void EpollNetwork::StartConnecting(Connection& connection, ConnectionId id) {
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  connection.socket = FileDescriptor(::socket(address_.family, type, 0));
  const int fd = connection.socket.get();
  if (fd < 0) return NoteFailure(connection, id, "cannot make a socket", errno);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto* address = reinterpret_cast<const sockaddr*>(&address_.storage);
  if (::connect(fd, address, address_.length) != 0 && errno != EINPROGRESS) {
    return NoteFailure(connection, id, "cannot connect", errno);
  }
  Watch(connection, id, true, EPOLL_CTL_ADD);
}

void EpollNetwork::Watch(Connection& connection, ConnectionId id, bool write, int operation) {
  epoll_event event{};
  event.events = static_cast<uint32_t>(EPOLLIN | EPOLLRDHUP) | (write ? uint32_t{EPOLLOUT} : 0u);
  event.data.u64 = static_cast<uint64_t>(id);
  if (::epoll_ctl(epoll_.get(), operation, connection.socket.get(), &event) != 0) {
    NoteFailure(connection, id, "cannot wait", errno);
  }
}

void EpollNetwork::Send(ConnectionId id, std::string_view bytes) {
  Connection& connection = connections_.at(id);
  if (!connection.error.empty()) return;
  const bool was_empty = connection.sent == connection.unsent.size();
  if (connection.connected && was_empty) {
    const ssize_t sent = ::send(connection.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (bytes.empty()) return;
  }
  if (was_empty) {
    connection.unsent.clear();
    connection.sent = 0;
  }
  connection.unsent += bytes;
  if (connection.connected) Watch(connection, id, true, EPOLL_CTL_MOD);
}

// Errors of sending show when reading, with what the server said before.
void EpollNetwork::Flush(Connection& connection) {
  while (connection.sent < connection.unsent.size()) {
    const ssize_t sent = ::send(connection.socket.get(), connection.unsent.data() + connection.sent,
                                connection.unsent.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0) return;
    connection.sent += static_cast<size_t>(sent);
  }
}

void EpollNetwork::SetTimer(double until_s) {
  const double wait_s = std::max(until_s - NowSeconds(), 1e-9);  // 0 would disarm it
  const double whole = std::floor(wait_s);
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(whole);
  spec.it_value.tv_nsec = std::max(1L, static_cast<long>((wait_s - whole) * 1e9));
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

void EpollNetwork::Wait(double until_s, NetworkHandler& handler) {
  if (!failed_.empty()) return TellFailures(handler);
  SetTimer(until_s);
  std::array<epoll_event, kMaxEvents> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, -1);
  for (int i = 0; i < count; ++i) {
    const auto id = static_cast<ConnectionId>(events[static_cast<size_t>(i)].data.u64);
    if (id != kTimer) OnEvent(id, events[static_cast<size_t>(i)].events, handler);
  }
  TellFailures(handler);
}

void EpollNetwork::TellFailures(NetworkHandler& handler) {
  for (const ConnectionId id : std::exchange(failed_, {})) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    const std::string error = found->second.error;
    End(id, error, handler);
  }
}

void EpollNetwork::OnEvent(ConnectionId id, uint32_t events, NetworkHandler& handler) {
  const auto found = connections_.find(id);  // the handler may have closed it
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (!connection.connected && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t length = sizeof(error);
    ::getsockopt(connection.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return NoteFailure(connection, id, "cannot connect", error);
    connection.connected = true;
  }
  if ((events & EPOLLOUT) != 0) {
    Flush(connection);
    if (connection.sent == connection.unsent.size()) Watch(connection, id, false, EPOLL_CTL_MOD);
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) Read(id, handler);
}

void EpollNetwork::Read(ConnectionId id, NetworkHandler& handler) {
  const Connection& connection = connections_.at(id);
  const ssize_t count = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), 0);
  const int error = errno;
  if (count > 0) {
    const double now_s = NowSeconds();
    handler.OnBytes(id, now_s, {buffer_.data(), static_cast<size_t>(count)});
  } else if (count == 0) {
    End(id, "", handler);
  } else if (error != EAGAIN && error != EWOULDBLOCK && error != EINTR) {
    End(id, fmt::format("{}: connection lost: {}", server_, std::strerror(error)), handler);
  }
}

void EpollNetwork::End(ConnectionId id, std::string_view error, NetworkHandler& handler) {
  connections_.erase(id);
  handler.OnEnd(id, NowSeconds(), error);
}

void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<std::unique_ptr<Network>> MakeEpollNetwork(const Url& server) {
  WEIR_ASSIGN_OR_RETURN(const Address address, Resolve(server));
  RaiseFileLimit();
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // nanoseconds; 50 us otherwise
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  FileDescriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kTimer;
  if (!epoll.valid() || !timer.valid() ||
      ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) != 0) {
    return Err(Code::kIo, "epoll: ", std::strerror(errno));
  }
  return std::make_unique<EpollNetwork>(server.Authority(), address, std::move(epoll),
                                        std::move(timer));
}

}  // namespace weir::loadgen
