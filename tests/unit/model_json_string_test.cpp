// SPDX-License-Identifier: Apache-2.0
// JSON strings: what the fast way writes is what RFC 8259 asks for, at every length and place, within its room.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "model/json_string.h"

namespace bixws {
namespace {

/// Straight from the RFC's grammar, with none of the tables.
std::string expected(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    char escape[8];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

using Write = char* (*)(char* to, std::string_view text);

/// Text and room are blocks of their own, so that a sanitizer sees a byte too far on either side.
std::string written(Write write, std::string_view text) {
  const auto source = std::make_unique_for_overwrite<char[]>(text.size());
  text.copy(source.get(), text.size());
  const auto room = std::make_unique_for_overwrite<char[]>(json_string_room(text.size()));
  const char* const end = write(room.get(), {source.get(), text.size()});
  return {room.get(), static_cast<std::size_t>(end - room.get())};
}

void expect_written(std::string_view text) {
  EXPECT_EQ(written(write_json_string, text), expected(text));
  EXPECT_EQ(written(write_json_string_bytewise, text), expected(text));
}

TEST(JsonString, EveryByteAtEveryPlaceOfEveryLength) {
  for (std::size_t length = 1; length <= 20; ++length) {
    for (std::size_t place = 0; place < length; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(length, 'x');
        text[place] = static_cast<char>(byte);
        expect_written(text);
      }
    }
  }
}

TEST(JsonString, NothingButEscapesFitsItsRoom) {
  for (const char c : {'\x01', '"', '\\', '\n'}) {
    for (std::size_t length = 0; length <= 40; ++length) expect_written(std::string(length, c));
  }
}

TEST(JsonString, AnyMixture) {
  std::mt19937 random(1);
  const std::string_view letters = "ab\"\\\n\x1f\x7f\xc3\xa9 {}:,0123456789";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 70, ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    expect_written(text);
  }
}

}  // namespace
}  // namespace bixws
