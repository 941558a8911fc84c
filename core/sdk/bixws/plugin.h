// SPDX-License-Identifier: Apache-2.0
// The plugin interface, ABI 1: one exported C symbol answers with a descriptor; abstract classes do the rest. No
// exception and no owned memory crosses this boundary, and a plugin is never unloaded.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#define BIXWS_ABI_MAJOR 1  // raised when layout or meaning changes: the host refuses another major
#define BIXWS_ABI_MINOR 1  // raised when something is appended: an older plugin still fits
#define BIXWS_STRING2(x) #x
#define BIXWS_STRING(x) BIXWS_STRING2(x)
// Abstract classes and string_view need one compiler family on both sides.
#define BIXWS_TOOLCHAIN "gxxabi" BIXWS_STRING(__GXX_ABI_VERSION) "-cxx11abi" BIXWS_STRING(_GLIBCXX_USE_CXX11_ABI)
#define BIXWS_EXPORT extern "C" __attribute__((visibility("default")))

namespace bixws {

class Dialect;  // <bixws/dialect.h>

enum class OptionType : std::uint8_t { string, integer, number, boolean, duration, list };

/// One row of a plugin's option table. The host validates against it before anything is made.
struct Option {
  const char* name;
  OptionType type;
  const char* fallback;  ///< default as text; nullptr: required
  const char* help;      ///< one line; name the choices of an enumeration as a|b|c
  bool secret = false;   ///< never shown in logs, errors or `config show`
};

/// Validated options of one instance: `name:key=value,key=value`. Durations come as whole microseconds in decimal
/// text, booleans as "true" or "false", lists joined with '+'. It and its texts live until make_...() returns.
class Settings {
 public:
  [[nodiscard]] virtual std::string_view get(std::string_view name) const noexcept = 0;
  [[nodiscard]] virtual std::int64_t integer(std::string_view name) const noexcept = 0;
  [[nodiscard]] virtual double number(std::string_view name) const noexcept = 0;
  [[nodiscard]] virtual bool boolean(std::string_view name) const noexcept = 0;
  /// Symbols asked of this feed, in the user's order; for a sink: the symbols it is limited to (0: all).
  [[nodiscard]] virtual std::size_t symbol_count() const noexcept = 0;
  [[nodiscard]] virtual std::string_view symbol(std::size_t index) const noexcept = 0;
  /// Channels asked of this feed as a bit set: 1 << int(Channel).
  [[nodiscard]] virtual std::uint32_t channels() const noexcept = 0;

 protected:
  ~Settings() = default;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// What the core offers a plugin. Every call is safe from any thread of the plugin.
class Host {
 public:
  /// The instrument of this feed's exchange; "" is the feed itself. Lives as long as the process.
  virtual const Instrument& instrument(std::string_view symbol) noexcept = 0;
  /// Copies the events and queues them in order. Waits while the hub is behind; false once the host is stopping.
  virtual bool publish(const Event* events, std::size_t count) noexcept = 0;
  virtual void log(LogLevel level, std::string_view text) noexcept = 0;
  /// Readable once the plugin must return from run().
  [[nodiscard]] virtual int stop_fd() const noexcept = 0;
  [[nodiscard]] virtual Micros now() const noexcept = 0;
  /// Adds to a counter shown in /metrics as bixws_plugin_<feed|sink>_<plugin>_<name>.
  virtual void count(std::string_view name, std::uint64_t add) noexcept = 0;

 protected:
  ~Host() = default;
};

/// A feed that brings its own way of getting data. Exchanges use Dialect instead and leave the sockets to the core.
class FeedSource {
 public:
  virtual ~FeedSource() = default;
  /// On a thread of its own; returns soon after stop_fd() is readable. 0: the feed has ended by itself and the session
  /// is complete; other values: failed (say why with log()), start me again with back-off.
  virtual int run(Host& host) noexcept = 0;
  /// True: events are made as fast as consumers take them (a generator, a recording), so slow consumers hold this feed
  /// back instead of losing data. Constant.
  [[nodiscard]] virtual bool held_back() const noexcept { return false; }
};

/// A consumer of events. The host calls from one thread, never close() during consume(), never consume() after
/// close(): no locking is needed. A sink that fails in consume() or flush() is detached and closed, others go on.
class Sink {
 public:
  virtual ~Sink() = default;
  /// `host` lives until close() has returned. Non-zero: nothing more is called, and bixws does not begin.
  virtual int open(Host& host) noexcept = 0;
  /// Events are borrowed for the call. Non-zero: failed for good, detach me.
  virtual int consume(const Event* events, std::size_t count) noexcept = 0;
  /// Called when nothing is waiting, and before close(). Non-zero: as of consume(). A place to notice a full disk.
  virtual int flush() noexcept = 0;
  virtual void close() noexcept = 0;
};

/// Room for a plugin's own words on why it cannot be made.
struct Error {
  char text[512];
};

struct Descriptor {
  std::uint32_t magic;
  std::uint16_t abi_major, abi_minor;
  std::uint32_t struct_size;
  const char* toolchain;
  const char* kind;  ///< "feed" or "sink"
  const char* name;
  const char* version;
  const char* description;
  const Option* options;
  std::uint32_t option_count;
  // Exactly one is set. nullptr with `error` filled: refused.
  FeedSource* (*make_source)(const Settings&, Error&) noexcept;
  Dialect* (*make_dialect)(const Settings&, Error&) noexcept;
  Sink* (*make_sink)(const Settings&, Error&) noexcept;
};

inline constexpr std::uint32_t kPluginMagic = 0x42495857;  // "BIXW"

}  // namespace bixws

/// The one symbol of a plugin. Define it as: BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept
BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept;
