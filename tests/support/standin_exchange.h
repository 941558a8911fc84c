// SPDX-License-Identifier: Apache-2.0
// A stand-in for an exchange: plays a capture's bytes over a real WebSocket and its REST answers over real HTTP on the
// same port, keeps an order book of its own for later snapshots, and misbehaves on command. It shares no code with
// core/.
//
// There is one timeline for all connections, as at an exchange: frames are numbered from 1 in capture order, each is
// sent to those who have subscribed to it when its turn comes, and nothing is repeated for whoever comes late. Unless
// told otherwise it starts with the first subscription and waits while nobody listens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/captures.h"
#include "support/standin_fault.h"
#include "support/standin_timeline.h"
#include "support/standin_venue.h"
#include "support/wait.h"
#include "support/wire.h"
#include "support/ws_test_client.h"

namespace bixws::test {

inline constexpr double full_speed = std::numeric_limits<double>::infinity();

struct StandinOptions {
  std::string venue = "binance";
  VenueOptions dialect;
  std::uint16_t port = 0;  // 0: any free one
  std::optional<CertificateKind> tls;

  double speed = full_speed;  // 1: as recorded
  double rate = 0;            // frames a second whatever the recorded times; 0: by the recorded times
  enum class AtEnd { stay, close, loop } at_end = AtEnd::stay;  // loop: disconnects everybody and starts over
  bool hold = false;                                            // nothing is played until play() or release()
  bool run_on = false;                                          // play on while nobody listens
  std::size_t start_connections = 1;  // the first frame waits for so many subscribed connections
  std::size_t start_symbols = 1;      // ... and for so many symbols subscribed to

  // Symbols under another name, in everything played and answered: the capture's id, new base and quote.
  std::map<std::string, std::pair<std::string, std::string>> rename;
  std::uint64_t split_seed = 0;                    // not 0: TCP stream in random small pieces
  Milliseconds ping_every{0};                      // protocol pings; 0: none
  bool pulse = true;                               // the exchange's own heartbeats when the capture has none to send
  std::vector<Milliseconds> connection_delays;     // of the first, second, ... connection; repeated in a circle
  std::size_t queue_bytes = std::size_t{4} << 20;  // per connection; beyond it the timeline waits
  std::size_t messages_per_second = 0;             // a client that sends more is disconnected; 0: no limit
  std::vector<Fault> faults;
};

struct ConnectionSeen {
  std::string target;
  HttpHeaders headers;
  SteadyTime opened;
  std::optional<SteadyTime> closed;
  std::uint64_t frames = 0;  // of the timeline, duplicates included
  std::uint64_t pings = 0;   // from the client
  int close_code = 0;        // of the client's close frame; 0: none
  std::set<Subscription> subscriptions;
};

struct RequestSeen {
  SteadyTime at;
  std::string target;
  int status = 0;
};

struct TextSeen {
  SteadyTime at;
  int connection = 0;
  std::string text;
};

struct PongSeen {
  SteadyTime at;
  int connection = 0;
  std::string payload;
  bool matches = false;  // the payload of a ping that was open
};

// All members may be called from any thread. The destructor ends every connection.
class StandinExchange {
 public:
  // Throws std::runtime_error: unknown venue, port taken, a capture without frames.
  StandinExchange(Capture capture, StandinOptions options);
  ~StandinExchange();
  StandinExchange(const StandinExchange&) = delete;
  StandinExchange& operator=(const StandinExchange&) = delete;

  std::uint16_t port() const;
  std::string ws_url() const;    // ws://127.0.0.1:PORT, or wss
  std::string rest_url() const;  // http://127.0.0.1:PORT, or https
  std::string certificate_pem() const;

  // The timeline.
  const std::vector<TimelineFrame>& frames() const;  // frames()[0] is number 1; answers are left out
  const Timeline& timeline() const;                  // with venue(): what book_history() needs
  const Venue& venue() const;
  std::uint64_t played() const;  // number of the last frame played; counts on when looping
  std::uint64_t laps() const;
  bool wait_played(std::uint64_t number, Milliseconds within = patience) const;
  // The capture is over and all of it has been sent.
  bool wait_ended(Milliseconds within = Milliseconds(60'000)) const;
  void hold();                      // nothing more is played
  void play(std::uint64_t frames);  // so many more, then hold
  void release();                   // play on
  void set_speed(double speed);
  // The exchange's own book after the frames played so far; nullopt if there is none.
  std::optional<StandinBook> book(const std::string& symbol) const;

  // Misbehaviour.
  void add(const Fault& fault);
  // The next `count` upgrade requests, or requests whose target contains the text, get this answer.
  void answer_upgrades(const HttpReply& reply, int count = always);
  void answer_rest(const HttpReply& reply, int count = always, const std::string& target_part = "");
  void answer_normally();
  void delay_rest(Milliseconds delay);
  // The next `count` subscribe messages are refused as the exchange would, or get no answer at all.
  void refuse_subscriptions(int count, const std::string& why = "");
  void ignore_subscriptions(int count);
  void stop_listening();  // drops all connections; new ones are refused by the system
  void listen_again();    // on the same port

  // What it saw.
  std::vector<ConnectionSeen> connections() const;  // every WebSocket connection, open or not
  std::size_t open_connections() const;
  std::size_t listeners() const;              // open, subscribed and not silenced
  std::vector<RequestSeen> upgrades() const;  // refused ones too
  std::vector<RequestSeen> requests() const;  // REST
  std::size_t requests_for(const std::string& target_part) const;
  std::vector<TextSeen> texts() const;
  std::size_t subscribe_messages() const;
  std::vector<PongSeen> pongs() const;
  std::vector<std::string> client_errors() const;  // unmasked frames, too many messages

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// A stand-in on one of the shared captures, for example "cryptofeed/BINANCE.ws.1.0".
std::unique_ptr<StandinExchange> standin_on(std::string_view capture, StandinOptions options = {});

}  // namespace bixws::test
