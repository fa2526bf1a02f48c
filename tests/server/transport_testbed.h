// SPDX-License-Identifier: Apache-2.0
//
// A real HttpServer on a loopback port with a handler that the test plays, and clients that are
// bare sockets.
#ifndef WEIR_TESTS_SERVER_TRANSPORT_TESTBED_H_
#define WEIR_TESTS_SERVER_TRANSPORT_TESTBED_H_

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "server/transport/http_server.h"

namespace weir {

// Requests whose answer the test gives. Any thread.
class HeldReplies {
 public:
  struct Held {
    HttpRequest request;
    std::shared_ptr<HttpReply> reply;
  };
  void Put(Held held);
  Held Next();  // waits for one

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<Held> held_ WEIR_GUARDED_BY(mutex_);
};

// A flag that one thread sets and another waits for.
class Flag {
 public:
  void Set();
  bool Wait();  // true once set; false after a time in which a machine must have managed

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ WEIR_GUARDED_BY(mutex_) = false;
};

struct Reply {
  int status = 0;  // 0: the connection ended before a head
  std::string head;
  std::string body;    // of chunks joined
  bool whole = false;  // the length or the last chunk has come
  std::string Header(std::string_view lower_name) const;
};

// A blocking socket. Reading gives up after a time in which a machine must have managed.
class Client {
 public:
  explicit Client(int32_t port, int receive_buffer_bytes = 0);
  explicit Client(const std::string& uds);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool Send(std::string_view bytes);
  std::string ReadUntil(std::string_view end);  // up to and with it, or what came before the end
  std::string ReadBytes(size_t num_bytes);
  std::string ReadToEnd();
  bool AtEnd();  // waits for the other side to close; false when it sends something instead
  Reply ReadReply(bool head_only = false);
  Reply Ask(std::string_view text);

  void EndSending();
  void Reset();  // closes with a reset, as a killed process with unread bytes does

 private:
  bool Fill();

  int socket_ = -1;
  std::string received_;
};

// /hello answers at once, /echo with the body, /throw throws, /drop drops the reply; everything
// else waits in `held`.
struct TestServer {
  explicit TestServer(HttpServerOptions options = {});
  ~TestServer();

  Client Connect() { return Client(server->port()); }
  std::vector<HttpRecord> WaitForRecords(size_t num_records);

  HeldReplies held;
  std::unique_ptr<HttpServer> server;

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<HttpRecord> records_ WEIR_GUARDED_BY(mutex_);
};

std::string Get(std::string_view path, std::string_view headers = "");
std::string Post(std::string_view path, std::string_view body, std::string_view headers = "");

}  // namespace weir

#endif  // WEIR_TESTS_SERVER_TRANSPORT_TESTBED_H_
