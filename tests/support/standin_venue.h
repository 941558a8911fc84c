// SPDX-License-Identifier: Apache-2.0
// What differs from exchange to exchange for the stand-in: where a frame's symbol stands, how clients subscribe, what
// is acknowledged, which REST path answers what. One small class an exchange, in standin_venue_<name>.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/captures.h"
#include "support/raw_json.h"
#include "support/standin_book.h"

namespace bixws::test {

struct HttpReply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;            // besides Content-Type and Content-Length
  std::size_t cut_after = static_cast<std::size_t>(-1);  // only so many bytes of the body are sent, then FIN
};

// What a captured frame is about.
struct FrameMeaning {
  enum class Kind {
    data,       // of one symbol and channel: for those who subscribed to it
    greeting,   // sent to everybody on connecting
    heartbeat,  // for everybody who has subscribed to anything
    answer      // to the recording client's own requests: not played, the stand-in answers for itself
  };
  Kind kind = Kind::answer;
  std::string symbol;   // the exchange's own id
  std::string channel;  // the exchange's name of it in the capture
  bool book_snapshot = false;
  bool book_update = false;
};

struct TimelineFrame {
  std::int64_t time_us = 0;
  std::string payload;
  RawJson json;
  FrameMeaning meaning;
};

// What a client asked for. An empty channel or symbol means all of them.
struct Subscription {
  std::string channel;
  std::string symbol;
  friend auto operator<=>(const Subscription&, const Subscription&) = default;
};

// One client as the exchange's dialect sees it.
struct Session {
  std::string target;  // of its upgrade request
  std::set<Subscription> subscriptions;
  bool wrapped = false;  // Binance: events come inside {"stream":..,"data":..}
};

// The state of the exchange at its present place in the capture.
struct Market {
  std::set<std::string> symbols;  // every symbol of the capture
  std::map<std::string, StandinBook> books;
  std::map<std::pair<std::string, std::string>, const TimelineFrame*> last;  // by channel and symbol
  std::vector<CapturedRest> rest;
  std::int64_t time_us = 0;  // capture time

  const StandinBook* book(const std::string& symbol) const;
  const TimelineFrame* last_frame(const std::string& channel, const std::string& symbol) const;
};

// True once for each client that can still start from the capture's own snapshot of the symbol.
using FirstSnapshot = std::function<bool(const std::string& symbol)>;

struct VenueOptions {
  bool whole_symbol = true;  // Binance: whoever subscribes to any channel of a symbol gets all the capture has of it
  bool today = false;        // OKX: frames as since 2026-06: checksum 0 and a prevSeqId chain
};

// Where an instrument list keeps id, base and quote, for renaming.
struct InstrumentKeys {
  std::string url_part;
  std::string id;
  std::string base;
  std::string quote;
};

class Venue {
 public:
  virtual ~Venue() = default;

  // The capture.
  virtual FrameMeaning meaning(const RawJson& frame) const = 0;
  // Before the frames are parsed: learn what is needed of the capture, rewrite what the exchange writes otherwise
  // today.
  virtual void study(Capture&) {}
  // Books known before the first frame.
  virtual void prepare(Market&) const {}
  virtual void apply(const TimelineFrame& frame, StandinBook& book) const = 0;
  virtual InstrumentKeys instrument_keys() const { return {}; }
  virtual std::string symbol_id(const std::string& base, const std::string& quote) const = 0;

  // Clients. What the functions return is sent as text frames, in order.
  virtual bool serves(std::string_view path) const = 0;
  virtual void opened(Session&, const Market&) const {}
  virtual std::vector<std::string> heard(const std::string& text, Session& session, const Market& market) const = 0;
  // What a subscription made late is owed at once: the snapshots that the capture's start held.
  virtual std::vector<std::string> welcome(const Subscription&, const Market&) const { return {}; }
  virtual bool wants(const Session& session, const FrameMeaning& meaning) const;
  // The bytes of the frame as this client gets them.
  virtual std::string_view dressed(const Session&, const TimelineFrame& frame) const { return frame.payload; }
  virtual std::string refusal(const RawJson& request, const std::string& why) const = 0;
  // Once a second of real time; idle: nothing was sent to this client for that long.
  virtual std::vector<std::string> pulse(const Session&, const Market&, bool /*idle*/) const { return {}; }
  // Empty where the exchange says nothing.
  virtual std::string shutdown_notice(const Session&) const { return {}; }
  // nullopt: no such path.
  virtual std::optional<HttpReply> rest(std::string_view target, const Market& market,
                                        const FirstSnapshot& first) const = 0;
};

// binance, bitstamp, bybit, coinbase, kraken, okx; throws std::runtime_error for any other name.
std::unique_ptr<Venue> make_venue(std::string_view name, const VenueOptions& options);
std::unique_ptr<Venue> make_binance_venue(const VenueOptions& options);
std::unique_ptr<Venue> make_bitstamp_venue();
std::unique_ptr<Venue> make_bybit_venue();
std::unique_ptr<Venue> make_coinbase_venue();
std::unique_ptr<Venue> make_kraken_venue();
std::unique_ptr<Venue> make_okx_venue(const VenueOptions& options);

// True for any spelling of a subscribe request.
bool asks_to_subscribe(std::string_view text);

// Helpers for the dialects.
std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);
std::vector<std::string> split_at(std::string_view text, char separator);
// "%40" becomes "@".
std::string url_decoded(std::string_view text);
// The value of a query parameter; empty if it is not there.
std::string query_value(std::string_view target, std::string_view name);
std::string_view path_of(std::string_view target);
// `"id":<id's own text>,` or nothing when the request has none.
std::string echoed(const RawJson& request, const char* key);
// "2026-08-01T02:53:53.184174Z"
std::string rfc3339_us(std::int64_t time_us);

}  // namespace bixws::test
