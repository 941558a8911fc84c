// SPDX-License-Identifier: Apache-2.0
// Any bytes as WebSocket frames, in both roles, with deflate: the same bytes cut into other pieces mean the same.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/deflate.h"
#include "net/ws_codec.h"

namespace {

using bixws::net::Decode;

/// Writes down what a decoder finds, as text that can be compared.
class Notes final : public bixws::net::WsReceiver {
 public:
  bool on_ws_message(bixws::net::Opcode kind, std::string_view payload) override {
    return note(kind == bixws::net::Opcode::text ? "text" : "binary", payload);
  }
  bool on_ws_ping(std::string_view payload) override { return note("ping", payload); }
  bool on_ws_pong(std::string_view payload) override { return note("pong", payload); }
  bool on_ws_close(std::uint16_t code, std::string_view reason) override {
    return note("close " + std::to_string(code), reason);
  }
  std::string text;

 private:
  bool note(const std::string& what, std::string_view payload) {
    text += what + ' ' + std::to_string(payload.size()) + ' ' + std::string(payload.substr(0, 64)) + '\n';
    return true;
  }
};

struct Result {
  std::string notes;
  Decode end;
  std::uint16_t code;
};

Result decode(bixws::net::Role role, std::string bytes, std::size_t piece) {
  constexpr std::size_t kCap = 1 << 16;
  bixws::net::WsDecoder decoder(role, kCap);
  bixws::net::Inflater inflater;
  decoder.set_inflater(&inflater);
  Notes notes;
  Decode end = Decode::more;
  for (std::size_t at = 0; at < bytes.size() && end == Decode::more; at += piece) {
    const std::size_t count = std::min(piece, bytes.size() - at);
    end = decoder.feed({bytes.data() + at, count}, notes);
    if (decoder.held() > kCap + 200) std::abort();
  }
  return {notes.text, end, end == Decode::failed ? decoder.failure_code() : std::uint16_t{0}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto role = (data[0] & 1U) != 0 ? bixws::net::Role::server : bixws::net::Role::client;
  const std::size_t piece = 1 + (data[0] >> 1U);
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Result whole = decode(role, bytes, bytes.size());
  const Result cut = decode(role, bytes, piece);
  if (whole.notes != cut.notes || whole.end != cut.end || whole.code != cut.code) std::abort();
  return 0;
}
