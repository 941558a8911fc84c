// SPDX-License-Identifier: Apache-2.0
// Publication: events as messages of numbered subjects, and the state of those subjects for whoever asks later.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "market/market.h"
#include "model/text_buffer.h"
#include "nats/outbox.h"

namespace bixws::nats {

/// Not thread-safe.
class Publication {
 public:
  explicit Publication(std::string prefix) : prefix_(std::move(prefix)) { market_.take_numbers(true); }

  /// A new one forgets all subjects: they are numbered from 1 again.
  void begin_epoch(std::string_view epoch);
  [[nodiscard]] std::string_view epoch() const { return epoch_; }
  /// Whose symbols have plain names in the messages.
  void set_plain_exchange(std::string_view exchange) { plain_exchange_ = exchange; }

  /// The message of an event the hub has numbered; an empty subject: it has none. Texts live until the next call.
  struct Message {
    std::string_view subject, payload;
    std::uint64_t n = 0;
  };
  Message publish(const Event& event);
  /// Events of this instrument never came: each of its subjects skips a number, so that whoever follows sees it.
  void note_loss(const Instrument& instrument);

  /// One message for each subject that `wanted` names (empty: all), then one of type "end".
  void answer(const std::set<std::string, std::less<>>& wanted, const std::function<void(std::string_view)>& send);

 private:
  struct Subject {
    const Instrument* instrument = nullptr;
    Kind kind = Kind::status;
    std::int32_t seconds = 0;  ///< of candles
    std::string name;
    std::uint64_t n = 0;
    std::string last_status;  ///< its whole message
  };
  Subject& subject_of_event(const Event& event);
  [[nodiscard]] std::string label_of(const Instrument& instrument) const;
  void append_state(const Subject& subject);

  std::string prefix_, epoch_, plain_exchange_;
  market::Market market_;
  Arena arena_;
  std::set<std::uint32_t> broken_;                       // instruments whose book lacks something since its snapshot
  std::unordered_map<std::uint64_t, Subject> subjects_;  // by instrument, kind and timeframe
  TextBuffer text_;
};

}  // namespace bixws::nats
