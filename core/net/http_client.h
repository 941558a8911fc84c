// SPDX-License-Identifier: Apache-2.0
// An HTTP(S) request on a loop: one connection per call, body capped, redirects not followed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/connector.h"
#include "net/http.h"

namespace bixws::net {

struct HttpClientOptions {
  ConnectOptions connect;
  Duration timeout = std::chrono::seconds(15);  // from start() to the whole answer
  std::size_t max_body = std::size_t{16} * 1024 * 1024;
  std::size_t max_head = std::size_t{32} * 1024;
};

struct HttpCall {
  Url url;
  std::string method = "GET";
  Headers headers;
  std::string body;
  std::string content_type = "application/json";  // with a body
};

/// Either a whole answer of any status (a redirect is an answer, not followed), or the failure.
struct HttpReply {
  int status = 0;
  std::string reason;
  Headers headers;
  std::string body;
  std::optional<NetFailure> failure;

  bool ok() const noexcept { return !failure && status >= 200 && status < 300; }
  /// "HTTP 429 Too Many Requests: {...}" or the failure's text: for a log line.
  std::string text() const;
};

/// One call at a time. Loop's thread only.
class HttpClient final : private Connection::Owner {
 public:
  using Done = std::function<void(HttpReply reply)>;

  HttpClient(Loop& loop, HttpClientOptions options);
  ~HttpClient() { stop(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `done` is called once, from the loop, never inside this call. It may start the next call. Throws
  /// std::runtime_error if the URL is not http or https.
  void start(HttpCall call, Done done);
  /// Ends the call at once; `done` is not called.
  void stop() noexcept;
  bool busy() const noexcept { return done_ != nullptr; }

 private:
  void on_connected(std::unique_ptr<Connection> connection, const NetFailure& failure);
  void on_readable() override;
  void on_writable() override;
  void send_request();
  void take(std::string_view bytes);
  bool take_head();
  void take_body(std::string_view bytes);
  void ended(const IoResult& result);
  void complete();
  void fail(Stage stage, const std::string& text);
  void finish();

  Loop* loop_;
  HttpClientOptions options_;
  HttpCall call_;
  Done done_;
  Connector connector_;
  std::unique_ptr<Connection> connection_;
  std::string request_;
  std::string input_;
  std::size_t searched_ = 0;
  HttpReply reply_;
  bool head_read_ = false;
  std::optional<std::uint64_t> length_;  // what Content-Length promised
  std::unique_ptr<ChunkReader> chunks_;
  Timer timer_;
};

}  // namespace bixws::net
