// SPDX-License-Identifier: Apache-2.0
// Where the captures of real exchange traffic are, and readers for their formats (captures/README.md beside them).
// The captures never enter the tree: without them a test is skipped with a clear line, in CI (CI=true) it fails.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/raw_json.h"

namespace bixws::test {

// The shared folder: the environment's BIXWS_SHARED, else the one the build was configured with.
std::filesystem::path shared_dir();
// A file below the shared folder's captures/, for example capture_path("cryptofeed/BINANCE.ws.1.0").
std::filesystem::path capture_path(std::string_view relative);
bool captures_present();
// What to say when they are missing: where they were looked for and how to point elsewhere.
std::string captures_missing();
// True when the environment says CI=true (or 1).
bool running_in_ci();

// At the start of a test that reads captures.
#define BIXWS_REQUIRE_CAPTURES()                                                             \
  do {                                                                                       \
    if (!::bixws::test::captures_present()) {                                                \
      if (::bixws::test::running_in_ci()) GTEST_FAIL() << ::bixws::test::captures_missing(); \
      GTEST_SKIP() << ::bixws::test::captures_missing();                                     \
    }                                                                                        \
  } while (false)

// One frame that an exchange sent, byte for byte.
struct CapturedFrame {
  std::int64_t time_us = 0;  // when it was received, microseconds since 1970
  std::string payload;
  int connection = 0;  // which of the capture's connections, from 0
};

// What the recording client sent.
struct CapturedSend {
  std::int64_t time_us = 0;
  std::string url;
  std::string payload;
};

// An answer to an HTTP GET.
struct CapturedRest {
  std::int64_t time_us = 0;
  std::string url;
  std::string body;
};

struct Capture {
  std::string name;                   // the file's name
  std::vector<std::string> connects;  // the URLs connected to
  std::vector<CapturedFrame> frames;
  std::vector<CapturedSend> sends;
  std::vector<CapturedRest> rest;

  // First answer whose URL contains the text; nullptr if there is none.
  const CapturedRest* rest_with(std::string_view url_part) const;
};

// All readers throw std::runtime_error with file and line on anything they do not understand.

// A cryptofeed dump: `TS: frame`, `URL <- TS: sent`, `URL <-> TS`, `URL -> TS: answer`.
Capture read_cryptofeed(const std::filesystem::path& file);
// A .cbcap file: header `CBCAP1 exchange symbol start_ns`, then `<ts_ns> <bytes>`, newline, frame. Times counted from
// boot are shifted so that the first frame is at the header's start.
Capture read_cbcap(const std::filesystem::path& file);
// Either of these, told apart by the first bytes. A dump NAME.ws.N.0 is joined by the REST answers of NAME.0 and
// NAME.http.N.0 beside it, and a .ndjson file is read as one frame a line, 1 ms apart.
Capture read_capture(const std::filesystem::path& file);

// The lines of captures/expected/<name>.expected.ndjson, in order.
std::vector<RawJson> read_expected(std::string_view name);
// The lines of any NDJSON file.
std::vector<RawJson> read_ndjson(const std::filesystem::path& file);

// "0.35210000" -> "0.3521", "10.0" -> "10": the form of the expected files.
std::string without_trailing_zeros(std::string_view decimal);

}  // namespace bixws::test
