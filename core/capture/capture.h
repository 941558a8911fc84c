// SPDX-License-Identifier: Apache-2.0
// Capture: what others recorded of an exchange's wire, read record by record in the order of time.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::capture {

/// A file is not what it should be; the text says which, where and what.
struct CaptureError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Format : std::uint8_t {
  cryptofeed,  ///< lines `TS: frame`, `URL <- TS: sent`, `URL <-> TS`, `URL -> TS: answer`; TS in seconds
  cbcap,       ///< a line `CBCAP1 exchange symbol start_ns`, then `<ts_ns> <bytes>`, newline, the frame
  messages     ///< our own protocol messages, one a line
};
/// What the file's first bytes look like. Throws CaptureError if it cannot be read.
[[nodiscard]] Format guess_format(const std::string& path);

/// One thing that happened on the wire.
struct Record {
  Micros at = 0;
  RawFrame::Direction direction = RawFrame::Direction::received;
  std::uint32_t connection = 0;  ///< from 1, over all files; 0: REST
  std::string url;               ///< of connected (if the capture tells) and rest
  std::string bytes;
};

/// One file, from its beginning. Not thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  /// False: the end. `record.connection` is 0 where there is none yet. Throws CaptureError.
  virtual bool next(Record& record) = 0;
  /// Bytes read so far.
  [[nodiscard]] virtual std::uint64_t position() const = 0;
};

/// Several files of one exchange as one stream. Every connection begins with a `connected` record, made up where the
/// capture has none.
class Capture {
 public:
  /// Throws CaptureError if a file cannot be read. `format`: cryptofeed or cbcap.
  Capture(const std::vector<std::string>& paths, Format format);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// The next record in time; of equal ones, the file's given first. False: the end. Throws CaptureError.
  bool next(Record& record);
  /// How much of all files was read, 0 to 1.
  [[nodiscard]] double share() const;

 private:
  struct Lane;
  [[nodiscard]] bool fill(Lane& lane);

  std::vector<std::unique_ptr<Lane>> lanes_;
  std::uint64_t total_bytes_ = 0;
  std::uint32_t connections_ = 0;
};

/// Lines of a text file, without their ends. Throws CaptureError.
class Lines {
 public:
  explicit Lines(const std::string& path);
  ~Lines();
  bool next(std::string& line);
  /// Exactly so many bytes. False: the file ends before.
  bool bytes(std::string& into, std::size_t count);
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// "FILE:LINE: what"
  [[noreturn]] void fail(std::string_view what) const;
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  struct File;
  std::string path_;
  std::unique_ptr<File> file_;
  std::uint64_t number_ = 0, position_ = 0;
};

/// Of the file, for progress. Throws CaptureError if there is none.
std::uint64_t size_of(const std::string& path);

}  // namespace bixws::capture
