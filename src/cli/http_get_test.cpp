// SPDX-License-Identifier: Apache-2.0
#include "cli/http_get.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace weir {
namespace {

using ::testing::HasSubstr;
using Tcp = boost::asio::ip::tcp;
using boost::system::error_code;

std::string UrlText(const Result<HttpUrl>& url) {
  return url ? url->host + "|" + url->port + "|" + url->path : url.error().message;
}

TEST(ParseHttpUrl, TakesHostPortAndPath) {
  EXPECT_EQ(UrlText(ParseHttpUrl("http://localhost")), "localhost|80|");
  EXPECT_EQ(UrlText(ParseHttpUrl("http://127.0.0.1:8000")), "127.0.0.1|8000|");
  EXPECT_EQ(UrlText(ParseHttpUrl("http://proxy:81/weir/a//")), "proxy|81|/weir/a");
  EXPECT_EQ(UrlText(ParseHttpUrl("http://[::1]:8000/")), "::1|8000|");
  EXPECT_EQ(UrlText(ParseHttpUrl("http://[::1]")), "::1|80|");
}

TEST(ParseHttpUrl, RefusesEverythingElse) {
  for (const char* text : {"", "localhost:8000", "https://localhost", "http://", "http://:80",
                           "http://h:", "http://h:0", "http://h:65536", "http://h:8x",
                           "http://h/a b", "http://h/\r\nX: y", "http://h/?q", "http://h#f",
                           "http://me:pw@h", "http://[::1", "http://[::1]x"}) {
    EXPECT_THAT(UrlText(ParseHttpUrl(text)), HasSubstr("wanted http://HOST[:PORT][/PATH]")) << text;
  }
}

// Accepts one connection, notes what was asked, says `answer` and hangs up.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer)
      : acceptor_(context_, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        thread_([this, text = std::move(answer)] {
          Tcp::socket socket(context_);
          error_code error;
          acceptor_.accept(socket, error);
          boost::asio::read_until(socket, boost::asio::dynamic_buffer(asked_), "\r\n\r\n", error);
          boost::asio::write(socket, boost::asio::buffer(text), error);
        }) {}
  ~OneAnswer() { thread_.join(); }

  HttpUrl url() const {
    return {.host = "127.0.0.1", .port = std::to_string(acceptor_.local_endpoint().port())};
  }
  // Once it has answered.
  const std::string& asked() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return asked_;
  }

 private:
  boost::asio::io_context context_;
  Tcp::acceptor acceptor_;
  std::string asked_;
  std::thread thread_;
};

TEST(HttpGet, ReturnsTheBody) {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(HttpGet(server.url(), "/weir/steps?since=1", {}).value(), "hello");
  EXPECT_THAT(server.asked(), HasSubstr("GET /weir/steps?since=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.asked(), HasSubstr("Host: 127.0.0.1:"));
  EXPECT_THAT(server.asked(), ::testing::Not(HasSubstr("Authorization")));
}

TEST(HttpGet, SendsTheKeyAndThePathOfTheUrl) {
  OneAnswer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  HttpUrl url = server.url();
  url.path = "/behind/a/proxy";
  EXPECT_EQ(HttpGet(url, "/x", {.bearer = "secret"}).value(), "ab");
  EXPECT_THAT(server.asked(), HasSubstr("GET /behind/a/proxy/x HTTP/1.1\r\n"));
  EXPECT_THAT(server.asked(), HasSubstr("Authorization: Bearer secret\r\n"));
}

TEST(HttpGet, AKeyCannotBecomeAnotherHeader) {
  const auto answer = HttpGet({.host = "127.0.0.1"}, "/", {.bearer = "a\r\nX: y"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kInvalidArgument);
  EXPECT_THAT(answer.error().message, ::testing::Not(HasSubstr("X: y")));
}

std::string ErrorFor(std::string answer, const HttpGetOptions& options = {}) {
  OneAnswer server(std::move(answer));
  const auto body = HttpGet(server.url(), "/x", options);
  return body ? "accepted" : body.error().message;
}

TEST(HttpGet, OtherStatusesAreErrorsWithTheBodysBeginning) {
  const std::string message =
      ErrorFor("HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nno key!");
  EXPECT_THAT(message, HasSubstr("/x: answered 401: no key!"));
}

TEST(HttpGet, BrokenAnswersAreErrors) {
  EXPECT_THAT(ErrorFor(""), HasSubstr("cannot read the answer"));
  EXPECT_THAT(ErrorFor("nonsense\r\n\r\n"), HasSubstr("cannot read the answer"));
  EXPECT_THAT(ErrorFor("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"),
              HasSubstr("cannot read the answer"));
  EXPECT_THAT(ErrorFor("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", {.max_body_bytes = 49}),
              HasSubstr("cannot read the answer"));
}

TEST(HttpGet, NobodyListening) {
  boost::asio::io_context context;
  Tcp::acceptor bound(context, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const std::string port = std::to_string(bound.local_endpoint().port());
  bound.close();
  const auto body = HttpGet({.host = "127.0.0.1", .port = port}, "/", {});
  ASSERT_FALSE(body);
  EXPECT_THAT(body.error().message, HasSubstr("http://127.0.0.1:" + port + ": cannot connect"));
}

TEST(HttpGet, AServerThatSaysNothingTimesOut) {
  boost::asio::io_context context;
  Tcp::acceptor silent(context, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const HttpUrl url = {.host = "127.0.0.1", .port = std::to_string(silent.local_endpoint().port())};
  const auto body = HttpGet(url, "/", {.timeout = std::chrono::milliseconds(50)});
  ASSERT_FALSE(body);
  EXPECT_THAT(body.error().message, HasSubstr("cannot read the answer: The socket was closed"));
}

}  // namespace
}  // namespace weir
