// SPDX-License-Identifier: Apache-2.0
// Requests: what a client may say, read from JSON text or from a URL's query, or the error it is answered with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/history.h"
#include "server/labels.h"
#include "server/topic.h"

namespace bixws::server {

/// subscribe and unsubscribe; everything in it was checked.
struct SubscribeRequest {
  bool subscribe = true;
  std::string id;  ///< JSON text, digits or a quoted string; empty: none given
  bool every = true;
  std::vector<const Instrument*> instruments;  ///< without duplicates; if not `every`
  std::vector<ChannelSpec> channels;           ///< without duplicates
  std::optional<Policy> policy;
  struct Position {
    const Instrument* instrument = nullptr;
    ChannelSpec what;
    std::uint64_t seq = 0;  ///< the last one the client has
  };
  bool resume = false;
  std::string epoch;
  std::uint64_t gap = 0;  ///< number of the newest upstream gap that the client was told of
  std::vector<Position> last;

  [[nodiscard]] const Position* position(const ChannelSpec& what, const Instrument& instrument) const;
};

struct PingRequest {
  std::string id;
};

/// `history`: what was, oldest first.
struct HistoryRequest {
  static constexpr std::size_t kMostItems = 5000;
  static constexpr std::size_t kMostBooks = 1000;  ///< each may have thousands of levels
  std::string id;
  HistoryQuery query;
};

/// Makes an annotation, or changes those fields of one that have a value here, or removes it.
struct AnnotateRequest {
  std::string id;
  std::string mark;  ///< which one: the same `id`, as plain text; empty: a new one
  const Instrument* instrument = nullptr;
  std::optional<Micros> ts;
  std::optional<Decimal> price;  ///< without value: takes it away
  std::optional<std::string> text, kind, color;
  std::optional<std::vector<Point>> points;
  bool remove = false;
};

/// Steering of a replay.
struct ReplayRequest {
  enum class Action : std::uint8_t { pause, resume, step, seek, speed };
  std::string id;
  Action action = Action::pause;
  std::int64_t steps = 1;  ///< step
  Micros time = 0;         ///< seek: absolute; or with `relative`, from the session's start
  bool relative = false;
  double factor = 1;  ///< speed; 0: as fast as consumers take
};

enum class ErrorCode : std::uint8_t {
  bad_json,
  bad_request,
  unknown_type,
  unknown_symbol,
  unknown_channel,
  too_many,
  rate_limited,
  too_large,
};
[[nodiscard]] std::string_view name_of(ErrorCode code);

struct RequestError {
  std::string id;
  ErrorCode code = ErrorCode::bad_request;
  std::string message;
};

using Request =
    std::variant<SubscribeRequest, PingRequest, HistoryRequest, AnnotateRequest, ReplayRequest, RequestError>;

/// Reads one text message. Never throws.
[[nodiscard]] Request parse_request(std::string_view text, const Labels& labels);

/// What a connection's URL asks for: `symbols=` and `channels=` (comma lists) and `policy=`, as a first subscribe. Both
/// absent: nothing is asked, the default stays. Names are already percent-decoded.
[[nodiscard]] std::variant<std::monostate, SubscribeRequest, RequestError> parse_query(
    std::optional<std::string_view> symbols, std::optional<std::string_view> channels,
    std::optional<std::string_view> policy, const Labels& labels);

}  // namespace bixws::server
