// SPDX-License-Identifier: Apache-2.0
// Venue: an exchange's side of its own protocol, for `replay --native`: the counterpart of Dialect. The core owns
// sockets, time, the recorded frames and the books; a venue knows how clients subscribe, what is acknowledged, and
// which REST path answers what.
#pragma once

#include <bixws/dialect.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace bixws {

/// What one recorded frame is about. Texts live as long as the frame, or in the venue until its next call.
struct FrameTopic {
  enum class Kind : std::uint8_t {
    data,       ///< of one symbol and channel: for those who have subscribed to it
    greeting,   ///< for everybody upon connecting
    heartbeat,  ///< for everybody who has subscribed to anything
    answer      ///< to the recorded client's own requests: not played, the venue answers for itself
  };
  Kind kind = Kind::answer;
  Text channel;       ///< the exchange's own name of it
  Text symbol;        ///< the exchange's own id
  bool book = false;  ///< changes the symbol's book: the dialect reads it
};

/// A symbol's book as it is at this point of the recording, best first.
struct VenueBook {
  std::span<const Level> bids, asks;
  std::uint64_t last = kNoId;  ///< id of the newest update inside
};

/// The exchange as it is at the present place in the recording. Answers live until the next call of the same member.
class VenueMarket {
 public:
  /// Symbols there are data of, in byte order.
  [[nodiscard]] virtual std::size_t symbol_count() const noexcept = 0;
  [[nodiscard]] virtual Text symbol(std::size_t index) const noexcept = 0;
  [[nodiscard]] virtual bool has_symbol(Text symbol) const noexcept = 0;
  /// Does the recording have data of this channel at any time?
  [[nodiscard]] virtual bool has_topic(Text channel, Text symbol) const noexcept = 0;
  /// False while nothing is known of the book. `depth`: levels a side, SIZE_MAX for all.
  virtual bool book(Text symbol, std::size_t depth, VenueBook& book) noexcept = 0;
  /// The newest frame that is no book's; empty: none yet.
  [[nodiscard]] virtual Text last_frame(Text channel, Text symbol) const noexcept = 0;
  /// Body of the first recorded REST answer whose URL contains this; empty: there is none.
  [[nodiscard]] virtual Text recorded(Text part_of_url) const noexcept = 0;
  [[nodiscard]] virtual Micros now() const noexcept = 0;

 protected:
  ~VenueMarket() = default;
};

/// To one client.
class VenueOut {
 public:
  /// One text frame.
  virtual void send(Text frame) noexcept = 0;

 protected:
  ~VenueOut() = default;
};

/// One client as the exchange sees it. Made by Venue::connect, destroyed with delete; one thread at a time.
class VenueSession {
 public:
  virtual ~VenueSession() = default;
  virtual void opened(VenueMarket& market, VenueOut& out) noexcept {
    (void)market;
    (void)out;
  }
  /// A text frame of the client: may be anything. Acknowledge or refuse it, and send what a new subscription is owed
  /// at once: the book as it is now, the last ticker.
  virtual void heard(const Frame& frame, VenueMarket& market, VenueOut& out) noexcept = 0;
  /// Topics (channel and symbol) it has subscribed to.
  [[nodiscard]] virtual std::size_t topics() const noexcept = 0;
  /// Does it get a frame of Kind::data? The answer is kept until it is heard again.
  [[nodiscard]] virtual bool wants(const FrameTopic& topic) const noexcept = 0;
  /// A frame's text as this client gets it; lives until the next call.
  virtual Text dressed(const FrameTopic& topic, Text payload) noexcept {
    (void)topic;
    return payload;
  }
  /// Once a second of real time. `idle`: nothing has gone out for that long.
  virtual void pulse(bool idle, VenueMarket& market, VenueOut& out) noexcept {
    (void)idle;
    (void)market;
    (void)out;
  }
};

/// One thread at a time; nothing may throw.
class Venue {
 public:
  virtual ~Venue() = default;
  virtual FrameTopic topic(const Frame& frame) noexcept = 0;
  /// Each Kind::answer of the recording before anything is played, for what must be known by then.
  virtual void study(const Frame& answer) noexcept { (void)answer; }
  /// Whose book the recorded REST answer of this URL is; empty: it is none.
  virtual Text book_of(Text url) noexcept {
    (void)url;
    return {};
  }
  /// May a client open a WebSocket at this path?
  [[nodiscard]] virtual bool serves(Text path) const noexcept = 0;
  /// `target`: path and query of the upgrade.
  virtual VenueSession* connect(Text target) noexcept = 0;
  /// Answers a GET with a status and a body; 0: not one of its own paths, and what was recorded of that path is sent.
  virtual int rest(Text target, VenueMarket& market, TextOut& body) noexcept = 0;
};

// ---- Reading what clients ask for.

/// The path of "/api/v3/depth?symbol=X".
inline Text path_of(Text target) noexcept { return target.substr(0, target.find('?')); }

/// "%40" becomes "@"; a broken escape stays as it is.
inline std::string url_decoded(Text text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The first value of a query parameter, decoded; empty if it is not there.
inline std::string query_value(Text target, Text name) {
  std::size_t at = target.find('?');
  while (at != Text::npos && at + 1 < target.size()) {
    const std::size_t end = std::min(target.find('&', at + 1), target.size());
    const Text pair = target.substr(at + 1, end - at - 1);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) return equals == Text::npos ? "" : url_decoded(pair.substr(equals + 1));
    at = end;
  }
  return {};
}

}  // namespace bixws

/// A feed plugin that is also a venue exports this besides bixws_plugin_v1; nullptr: no memory. Destroyed with delete.
BIXWS_EXPORT bixws::Venue* bixws_venue_v1() noexcept;
