// SPDX-License-Identifier: Apache-2.0
#include "transport_testbed.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr int kPatienceS = 30;  // reached only by a test that fails

void GiveUpLater(int socket) {
  const timeval patience = {.tv_sec = kPatienceS, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

void HeldReplies::Put(Held held) {
  MutexLock lock(mutex_);
  held_.push_back(std::move(held));
  changed_.NotifyAll();
}

HeldReplies::Held HeldReplies::Next() {
  MutexLock lock(mutex_);
  while (held_.empty()) changed_.Wait(mutex_);
  Held held = std::move(held_.front());
  held_.pop_front();
  return held;
}

void Flag::Set() {
  MutexLock lock(mutex_);
  set_ = true;
  changed_.NotifyAll();
}

bool Flag::Wait() {
  MutexLock lock(mutex_);
  for (int s = 0; s < kPatienceS && !set_; ++s) changed_.WaitFor(mutex_, 1000);
  return set_;
}

std::string Reply::Header(std::string_view lower_name) const {
  const std::string lower = Lower(head);
  const size_t at = lower.find("\r\n" + std::string(lower_name) + ": ");
  if (at == std::string::npos) return "";
  const size_t begin = at + lower_name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

Client::Client(int32_t port, int receive_buffer_bytes)
    : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  GiveUpLater(socket_);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof receive_buffer_bytes);
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

Client::Client(const std::string& uds) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
  GiveUpLater(socket_);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, uds.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

bool Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Client::Fill() {
  char buffer[65536];
  const ssize_t num_bytes = ::recv(socket_, buffer, sizeof buffer, 0);
  if (num_bytes <= 0) return false;
  received_.append(buffer, static_cast<size_t>(num_bytes));
  return true;
}

std::string Client::ReadUntil(std::string_view end) {
  size_t at = received_.find(end);
  while (at == std::string::npos && Fill()) at = received_.find(end);
  return ReadBytes(at == std::string::npos ? received_.size() : at + end.size());
}

std::string Client::ReadBytes(size_t num_bytes) {
  while (received_.size() < num_bytes && Fill()) {
  }
  const std::string out = received_.substr(0, num_bytes);
  received_.erase(0, out.size());
  return out;
}

std::string Client::ReadToEnd() {
  while (Fill()) {
  }
  return std::exchange(received_, "");
}

bool Client::AtEnd() { return received_.empty() && !Fill(); }

Reply Client::ReadReply(bool head_only) {
  Reply reply;
  reply.head = ReadUntil("\r\n\r\n");
  if (reply.head.size() < 16) return reply;
  reply.status = std::stoi(reply.head.substr(9, 3));
  if (head_only || reply.status == 204 || reply.status == 100) {
    reply.whole = true;
  } else if (const std::string length = reply.Header("content-length"); !length.empty()) {
    reply.body = ReadBytes(std::stoul(length));
    reply.whole = reply.body.size() == std::stoul(length);
  } else if (reply.Header("transfer-encoding") == "chunked") {
    for (std::string line = ReadUntil("\r\n"); line.size() > 2; line = ReadUntil("\r\n")) {
      const size_t size = std::stoul(line, nullptr, 16);
      reply.body += ReadBytes(size);
      reply.whole = ReadBytes(2) == "\r\n" && size == 0;
      if (size == 0) break;
    }
  } else {
    reply.body = ReadToEnd();
  }
  return reply;
}

Reply Client::Ask(std::string_view text) {
  Send(text);
  return ReadReply();
}

void Client::EndSending() { ::shutdown(socket_, SHUT_WR); }

void Client::Reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(socket_, -1));
}

TestServer::TestServer(HttpServerOptions options) {
  options.port = 0;
  options.handler = [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    if (request.path == "/hello") return reply->Send({.content_type = "text/plain", .body = "hi"});
    if (request.path == "/echo") return reply->Send({.body = std::move(request.body)});
    if (request.path == "/throw") throw std::runtime_error("on purpose");
    if (request.path == "/drop") return;
    held.Put({std::move(request), std::move(reply)});
  };
  options.on_complete = [this](const HttpRecord& record) {
    MutexLock lock(mutex_);
    records_.push_back(record);
    changed_.NotifyAll();
  };
  auto started = HttpServer::Start(std::move(options));
  if (started) server = std::move(*started);
  EXPECT_TRUE(server) << started.error().message;
}

TestServer::~TestServer() {
  if (server) server->Stop();
}

std::vector<HttpRecord> TestServer::WaitForRecords(size_t num_records) {
  MutexLock lock(mutex_);
  for (int s = 0; s < kPatienceS && records_.size() < num_records; ++s) {
    changed_.WaitFor(mutex_, 1000);
  }
  return records_;
}

std::string Get(std::string_view path, std::string_view headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: here\r\n{}\r\n", path, headers);
}

std::string Post(std::string_view path, std::string_view body, std::string_view headers) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\n{}\r\n{}", path,
                     body.size(), headers, body);
}

}  // namespace weir
