// SPDX-License-Identifier: Apache-2.0
// permessage-deflate (RFC 7692): what both ends agree on, and the two directions, without context kept between
// messages unless a server insists.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bixws::net {

/// What a connection agreed on.
struct DeflateAgreement {
  bool agreed = false;
  /// Window to compress with, 9 to 15. 0: the peer asked for one that zlib cannot do, so send everything plain.
  int send_bits = 15;
  /// The peer keeps its context from message to message (a server that ignored our wish): needs an Inflater of its own.
  bool peer_keeps_context = false;
};

/// Server: reads Sec-WebSocket-Extensions of a request. `header` is what to answer with; empty when nothing fits.
struct DeflateAnswer {
  DeflateAgreement agreement;
  std::string header;
};
DeflateAnswer answer_deflate_offer(std::string_view offers);

/// Client: what to offer, and what the answer means. Nothing if the answer is not one that the offer allows.
inline constexpr std::string_view deflate_offer =
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits";
std::optional<DeflateAgreement> read_deflate_answer(std::string_view answer);

/// Frames below this size travel plain: they would grow or win nothing (bytes).
inline constexpr std::size_t deflate_threshold = 512;

/// Compresses messages one by one, each readable without the others. About 260 KB at 15 bits: one for many connections.
class Deflater {
 public:
  explicit Deflater(int window_bits = 15, int level = 1);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// The payload of a compressed frame, valid until the next call. Empty on failure.
  std::string_view deflate(std::string_view message);

 private:
  z_stream zlib_{};
  std::string output_;
};

/// Inflates messages, never beyond a cap. About 40 KB.
class Inflater {
 public:
  enum class Outcome : std::uint8_t { ok, too_big, broken };

  explicit Inflater(bool keep_context = false);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Inflates one message of at most `cap` bytes into output().
  Outcome inflate(std::string_view compressed, std::size_t cap);
  std::string_view output() const noexcept { return {output_.data(), size_}; }
  /// Gives back the memory of an unusually large message.
  void release();

 private:
  Outcome run(std::string_view compressed, std::size_t cap);

  z_stream zlib_{};
  bool keep_context_;
  std::string output_;
  std::size_t size_ = 0;
};

/// This thread's own, shared by all its connections.
Inflater& thread_inflater();
/// This thread's compressor for a window of 9 to 15 bits.
Deflater& thread_deflater(int window_bits = 15);

}  // namespace bixws::net
