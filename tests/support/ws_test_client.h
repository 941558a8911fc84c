// SPDX-License-Identifier: Apache-2.0
// A small blocking WebSocket and HTTP client for tests, over plain sockets or TLS. It can break every rule on request
// and reports what the server did: status of a refusal, close code, FIN or RST.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/wait.h"
#include "support/wire.h"
#include "support/ws_frames.h"

namespace bixws::test {

using HttpHeaders = std::map<std::string, std::string>;

struct HttpAnswer {
  int status = 0;       // 0: no answer at all, see error
  HttpHeaders headers;  // names in lower case
  std::string body;
  std::string error;
};

// ws://, wss://, http:// or https:// HOST[:PORT][/PATH]; an IPv6 host in brackets.
struct Url {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  std::string target = "/";
  bool secure() const { return scheme == "wss" || scheme == "https"; }
  // Throws std::runtime_error for anything else.
  static Url parse(std::string_view text);
};

struct ClientOptions {
  HttpHeaders headers;  // sent besides the usual ones; a usual one named here is replaced
  TlsTrust trust;
  Milliseconds within = patience;
  bool answer_pings = true;
};

// One request on a connection of its own. Never throws for what the server does.
HttpAnswer http_get(const std::string& url, const ClientOptions& options = {});

struct WsMessage {
  bool binary = false;
  std::string payload;
};

class WsTestClient {
 public:
  enum class End { open, fin, reset };  // how the TCP connection ended

  // True when the handshake is done and right. Otherwise refusal() tells what came instead.
  bool connect(const std::string& url, const ClientOptions& options = {});
  const HttpAnswer& refusal() const { return answer_; }
  int http_status() const { return answer_.status; }  // 101 when connected
  // The server's answer headers, names in lower case.
  const HttpHeaders& answer_headers() const { return answer_.headers; }

  bool send_text(std::string_view text) { return send_frame(WsOpcode::text, text); }
  bool send_binary(std::string_view bytes) { return send_frame(WsOpcode::binary, bytes); }
  bool send_ping(std::string_view payload) { return send_frame(WsOpcode::ping, payload); }
  bool send_close(std::uint16_t code = 1000, std::string_view reason = {});
  bool send_frame(WsOpcode opcode, std::string_view payload, WsFrameShape shape = {.masked = true});
  bool send_raw_bytes(std::string_view bytes);

  // The next data message, reassembled. Pings are answered (unless told not to), pongs and pings kept apart.
  // nullopt at the deadline or when the connection has ended.
  std::optional<WsMessage> next(Milliseconds within = patience);
  std::optional<std::string> next_text(Milliseconds within = patience);
  // Drops messages until one satisfies the condition.
  std::optional<std::string> next_text_that(const std::function<bool(const std::string&)>& condition,
                                            Milliseconds within = patience);
  // The next frame as it came, of any kind; nothing is answered or reassembled.
  std::optional<WsFrame> next_frame(Milliseconds within = patience);
  // Reads on until the peer ends the TCP connection; messages that come meanwhile stay for next().
  bool wait_closed(Milliseconds within = patience);

  // 0: no close frame yet; 1005: one without a code.
  int close_code() const { return close_code_; }
  const std::string& close_reason() const { return close_reason_; }
  End end() const { return end_; }
  bool open() const { return wire_.open() && end_ == End::open; }
  const std::vector<std::string>& pongs() const { return pongs_; }
  const std::vector<std::string>& pings() const { return pings_; }
  // What the server did against RFC 6455, the first thing only; empty if nothing.
  const std::string& protocol_error() const { return protocol_error_; }
  // Bytes of a frame that never was completed.
  std::size_t pending_bytes() const { return reader_.pending(); }
  // How often bytes arrived: more often than frames when the server splits them.
  std::size_t reads() const { return reads_; }

  void finish() { wire_.finish(); }
  void reset() { wire_.reset(); }
  void close() { wire_.close(); }
  int fd() const { return wire_.fd(); }

 private:
  bool read_more(SteadyTime deadline);
  void take_frame(const WsFrame& frame);
  void complain(std::string_view what);

  Wire wire_;
  bool answer_pings_ = true;
  HttpAnswer answer_;
  WsFrameReader reader_;
  std::deque<WsMessage> messages_;
  std::optional<WsMessage> partial_;
  std::vector<std::string> pongs_;
  std::vector<std::string> pings_;
  int close_code_ = 0;
  std::string close_reason_;
  std::string protocol_error_;
  End end_ = End::open;
  std::size_t reads_ = 0;
};

}  // namespace bixws::test
