// SPDX-License-Identifier: Apache-2.0
//
// A fast scripted SSE server, for how exact and how quick the client of `weir bench serve` is:
// one thread, epoll, answers whose tokens leave at times fixed by the request's arrival. At its end
// it prints what was true: mean time to the first token and mean gap, from the moments at which
// requests were read and bytes were written.
//
// usage: sse_load_server PORT TTFT_MS GAP_MS NUM_TOKENS NUM_REQUESTS
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <queue>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Script {
  double ttft_s;
  double gap_s;
  int num_tokens;
  int64_t num_requests;
};

std::string Chunk(const std::string& data) {
  const std::string event = "data: " + data + "\n\n";
  return fmt::format("{:x}\r\n{}\r\n", event.size(), event);
}

struct Connection {
  std::string unread;
  double asked_s = 0;
  double last_s = 0;
  int token = 0;
};

class Server {
 public:
  Server(int listener, const Script& script) : listener_(listener), script_(script) {
    epoll_ = ::epoll_create1(0);
    Watch(listener_);
    token_ = Chunk(R"({"id":"cmpl-0","object":"text_completion","model":"scripted","choices":)"
                   R"([{"index":0,"text":" token","logprobs":null,"finish_reason":null}]})");
    head_ =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    tail_ = Chunk(fmt::format(
                R"({{"choices":[],"usage":{{"prompt_tokens":1,"completion_tokens":{}}}}})",
                script.num_tokens)) +
            Chunk("[DONE]") + "0\r\n\r\n";
  }

  void Run() {
    std::array<epoll_event, 512> events;
    while (num_ended_ < script_.num_requests) {
      timespec wait{0, 0};
      const double wait_s = due_.empty() ? 0.1 : std::clamp(due_.top().first - Now(), 0.0, 0.1);
      wait.tv_nsec = static_cast<long>(wait_s * 1e9);
      const int count = ::epoll_pwait2(epoll_, events.data(), 512, &wait, nullptr);
      for (int i = 0; i < count; ++i) OnReady(events[static_cast<size_t>(i)].data.fd);
      const double now_s = Now();
      while (!due_.empty() && due_.top().first <= now_s) {
        const int fd = due_.top().second;
        due_.pop();
        SendToken(fd);
      }
    }
    fmt::print("requests {} mean_ttft_ms {:.4f} mean_itl_ms {:.4f}\n", num_ended_,
               1000 * ttft_sum_s_ / static_cast<double>(num_ended_),
               1000 * gap_sum_s_ / std::max<double>(1, static_cast<double>(num_gaps_)));
  }

 private:
  void Watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void OnReady(int fd) {
    if (fd == listener_) {
      int accepted;
      while ((accepted = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connections_[accepted] = {};
        Watch(accepted);
      }
      return;
    }
    std::array<char, 65536> buffer;
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      connections_.erase(fd);
      ::close(fd);
      return;
    }
    Connection& connection = connections_[fd];
    connection.unread.append(buffer.data(), static_cast<size_t>(count));
    TakeRequest(fd, connection);
  }

  void TakeRequest(int fd, Connection& connection) {
    const size_t head_end = connection.unread.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    size_t length = 0;
    const size_t header = connection.unread.find("Content-Length: ");
    if (header < head_end) length = std::strtoul(&connection.unread[header + 16], nullptr, 10);
    if (connection.unread.size() < head_end + 4 + length) return;
    const bool streams = connection.unread.find("\"stream\":true") != std::string::npos;
    connection.unread.erase(0, head_end + 4 + length);
    if (!streams) return Write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    connection.asked_s = Now();
    connection.token = 0;
    due_.emplace(connection.asked_s + script_.ttft_s, fd);
  }

  void SendToken(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    const bool last = connection.token + 1 == script_.num_tokens;
    const double now_s = Now();
    Write(fd, (connection.token == 0 ? head_ : "") + token_ + (last ? tail_ : ""));
    if (connection.token == 0) {
      ttft_sum_s_ += now_s - connection.asked_s;
    } else {
      gap_sum_s_ += now_s - connection.last_s;
      ++num_gaps_;
    }
    connection.last_s = now_s;
    if (last) {
      ++num_ended_;
    } else {
      const double next_s =
          connection.asked_s + script_.ttft_s + ++connection.token * script_.gap_s;
      due_.emplace(next_s, fd);
    }
  }

  static void Write(int fd, const std::string& bytes) {
    if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      fmt::print(stderr, "sse_load_server: the client does not read\n");
    }
  }

  using Due = std::pair<double, int>;

  int listener_;
  Script script_;
  int epoll_;
  std::string head_;
  std::string token_;
  std::string tail_;
  std::unordered_map<int, Connection> connections_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  int64_t num_ended_ = 0;
  int64_t num_gaps_ = 0;
  double ttft_sum_s_ = 0;
  double gap_sum_s_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: sse_load_server PORT TTFT_MS GAP_MS NUM_TOKENS NUM_REQUESTS\n");
    return 2;
  }
  const Script script{std::atof(argv[2]) / 1000, std::atof(argv[3]) / 1000, std::atoi(argv[4]),
                      std::atoll(argv[5])};
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, 4096) != 0) {
    std::perror("sse_load_server");
    return 1;
  }
  Server(listener, script).Run();
  return 0;
}
