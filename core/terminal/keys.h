// SPDX-License-Identifier: Apache-2.0
// Keys: what a terminal sends for them, decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bixws::terminal {

enum class KeyCode : std::uint8_t {
  character,  ///< Key::character says which; Ctrl-C and Ctrl-L are U+0003 and U+000C
  enter,
  escape,
  backspace,
  erase,  ///< Delete
  tab,
  back_tab,
  up,
  down,
  left,
  right,
  home,
  end,
  page_up,
  page_down
};

struct Key {
  KeyCode code = KeyCode::character;
  char32_t character = 0;
  friend bool operator==(const Key&, const Key&) = default;
};

/// Bytes in, keys out; sequences may be cut anywhere. A lone Escape is a key once nothing follows it.
class KeyDecoder {
 public:
  void feed(std::string_view bytes) { pending_ += bytes; }
  /// The next key. `more_may_come`: an incomplete sequence waits for its rest; without, it is taken as it is. Unknown
  /// sequences are swallowed whole.
  std::optional<Key> next(bool more_may_come);
  /// An incomplete sequence is waiting: call next(false) if nothing came for a moment.
  [[nodiscard]] bool waiting() const { return !pending_.empty(); }

 private:
  std::optional<Key> take_escape(bool more_may_come, bool& again);
  std::string pending_;
};

}  // namespace bixws::terminal
