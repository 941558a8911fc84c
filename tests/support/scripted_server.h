// SPDX-License-Identifier: Apache-2.0
// A WebSocket server that does what a test tells it, step by step, blocking: for testing clients.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "support/wait.h"
#include "support/wire.h"
#include "support/ws_frames.h"

namespace bixws::test {

// One client that was let in. Pings are answered by themselves while reading.
class ScriptedLink {
 public:
  ScriptedLink(Wire wire, HttpHead head, std::string early);

  // The request's head: first line and headers, names in lower case.
  const HttpHead& head() const { return head_; }
  bool send_text(std::string_view text);
  // The next text message; nullopt at the deadline or when the client has gone.
  std::optional<std::string> next_text(Milliseconds within = patience);
  // The code of the client's close frame; nullopt if none came.
  std::optional<std::uint16_t> wait_close(Milliseconds within = patience);
  // The closing handshake begun by us, and the connection ended. False if the client does not answer.
  bool close(std::uint16_t code, std::string_view reason = {});
  // Ends the connection without a word.
  void drop() { wire_.reset(); }

 private:
  std::optional<WsFrame> next_frame(SteadyTime deadline);

  Wire wire_;
  HttpHead head_;
  WsFrameReader reader_;
};

class ScriptedServer {
 public:
  // 0: a free port.
  explicit ScriptedServer(std::uint16_t port = 0, const TlsServer* tls = nullptr);
  ~ScriptedServer() { stop(); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const;
  // The next client, upgraded; nullptr at the deadline.
  std::unique_ptr<ScriptedLink> accept(Milliseconds within = patience);
  // Answers the next request with this status instead of an upgrade. False at the deadline.
  bool refuse(int status, std::string_view body, Milliseconds within = patience);
  // Nobody listens any more; links stay.
  void stop();

 private:
  struct Request {
    Wire wire;
    HttpHead head;
    std::string rest;
  };
  std::optional<Request> next_request(Milliseconds within);

  int fd_;
  std::uint16_t port_;
  const TlsServer* tls_;
};

}  // namespace bixws::test
