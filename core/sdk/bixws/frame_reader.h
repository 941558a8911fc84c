// SPDX-License-Identifier: Apache-2.0
// FrameReader: reads an exchange's JSON for a dialect, in any order of fields, on simdjson; errors are kept, not
// thrown. Needs simdjson >= 3.0 (Debian: libsimdjson-dev) in the plugin that includes it; nothing else of bixws does.
#pragma once

#include <bixws/dialect.h>
#include <bixws/frame_fields.h>
#include <bixws/time_text.h>
#include <simdjson.h>

#include <bit>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace bixws {

/// One per dialect. Tokens are the texts of scalars as they stand in the frame, strings without their quotes; they live
/// until the next frame. After an error everything reads as absent, so a dialect checks ok() once, before it speaks.
class FrameReader {
 public:
  using Value = simdjson::ondemand::value;

  /// Calls field(tag, value) for each field of the frame's object, to its very end. False, and reported to `out`, if
  /// the frame is not one whole JSON object; nothing collected so far may be used then.
  template <typename Field>
  bool read_object(const Frame& frame, Out& out, Field&& field) {
    return read(frame, out, [&](auto& document) {
      auto object = document.get_object();
      if (object.error() != simdjson::SUCCESS) return fail(object.error());
      each_field(object.value_unsafe(), field);
    });
  }
  /// The same for a frame that is an array: item(value) for each.
  template <typename Item>
  bool read_array(const Frame& frame, Out& out, Item&& item) {
    return read(frame, out, [&](auto& document) {
      auto array = document.get_array();
      if (array.error() != simdjson::SUCCESS) return fail(array.error());
      each_item(array.value_unsafe(), item);
    });
  }

  /// Fields of a value that is an object; one that is not is an error, except null, which has no fields.
  template <typename Field>
  void object(Value value, Field&& field) {
    if (broken_ != simdjson::SUCCESS) return;
    auto object = value.get_object();
    if (object.error() != simdjson::SUCCESS) return not_that(value, object.error());
    each_field(object.value_unsafe(), field);
  }
  /// Items of a value that is an array.
  template <typename Item>
  void array(Value value, Item&& item) {
    if (broken_ != simdjson::SUCCESS) return;
    auto array = value.get_array();
    if (array.error() != simdjson::SUCCESS) return not_that(value, array.error());
    each_item(array.value_unsafe(), item);
  }
  /// Puts a scalar where the table says it belongs; false: the table does not name it. Tables in the exchange's own
  /// order of fields are found at once.
  struct Slot {
    std::uint64_t name;
    Text* token;
  };
  bool place(std::span<const Slot> slots, std::uint64_t name, Value value) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (++next_slot_ >= slots.size()) next_slot_ = 0;
      if (slots[next_slot_].name != name) continue;
      *slots[next_slot_].token = token(value);
      return true;
    }
    return false;
  }
  /// All fields of an object that the table names.
  void collect(Value value, std::span<const Slot> slots) {
    object(value, [&](std::uint64_t name, Value v) { place(slots, name, v); });
  }
  /// Fields<...> know their own places. False: they do not name it.
  template <FieldName... kNames>
  bool place(Fields<kNames...>& fields, std::uint64_t name, Value value) {
    Text* const place = fields.find(name);
    if (place != nullptr) *place = token(value);
    return place != nullptr;
  }
  template <FieldName... kNames>
  void collect(Value value, Fields<kNames...>& fields) {
    object(value, [&](std::uint64_t name, Value v) { place(fields, name, v); });
  }
  static void clear(std::span<const Slot> slots) {
    for (const Slot& slot : slots) *slot.token = {};
  }

  /// The first `count` items of an array of scalars, as tokens; missing ones are empty.
  void tokens(Value value, Text* out, std::size_t count) {
    std::size_t at = 0;
    array(value, [&](Value item) {
      if (at < count) out[at++] = token(item);
    });
    while (at < count) out[at++] = {};
  }

  [[nodiscard]] bool is_array(Value value) {
    auto type = value.type();
    return type.error() == simdjson::SUCCESS && type.value_unsafe() == simdjson::ondemand::json_type::array;
  }
  [[nodiscard]] bool is_object(Value value) {
    auto type = value.type();
    return type.error() == simdjson::SUCCESS && type.value_unsafe() == simdjson::ondemand::json_type::object;
  }

  /// Text of a scalar: "0.10" for "0.10" and for 0.10, "true" for true. Empty for null, arrays and objects.
  Text token(Value value) {
    Text raw = value.raw_json_token();
    while (!raw.empty() && static_cast<unsigned char>(raw.back()) <= ' ') raw.remove_suffix(1);
    if (raw.empty() || raw[0] == '{' || raw[0] == '[' || raw == "null") return {};
    if (raw[0] != '"') return raw;
    if (std::memchr(raw.data(), '\\', raw.size()) != nullptr) {
      auto text = value.get_string();
      if (text.error() != simdjson::SUCCESS) {
        fail(text.error());
        return {};
      }
      return text.value_unsafe();
    }
    if (raw.size() < 2 || raw.back() != '"') {
      fail(simdjson::TAPE_ERROR);
      return {};
    }
    return raw.substr(1, raw.size() - 2);
  }

  /// Appends [price, size, ...] pairs; further elements of a pair are skipped.
  void levels(Value value, std::vector<Level>& out) {
    array(value, [&](Value pair) {
      Text cell[2];
      tokens(pair, cell, 2);
      level(cell[0], cell[1], out);
    });
  }
  void level(Text price, Text size, std::vector<Level>& out) {
    Level& level = out.emplace_back();
    if (!number("price", price, level.price) || !number("size", size, level.size)) out.pop_back();
  }

  /// Reads a number that must be there. False: not ok() any more.
  bool number(Text field, Text token, Decimal& out) {
    if (token.empty()) return set_trouble(Fault::missing_field, field, token);
    switch (parse_decimal(token, out)) {
      case NumberError::none:
        return true;
      case NumberError::too_long:
        return set_trouble(Fault::number_too_long, field, token);
      case NumberError::malformed:
        break;
    }
    return set_trouble(Fault::not_a_number, field, token);
  }
  /// Reads a number that may be absent, null or "".
  bool optional_number(Text field, Text token, Decimal& out) { return token.empty() || number(field, token, out); }
  /// The same of a field by its name.
  template <FieldName kName, FieldName... kNames>
  bool number(const Fields<kNames...>& fields, Decimal& out) {
    return number(kName.view(), fields.template get<kName>(), out);
  }
  template <FieldName kName, FieldName... kNames>
  bool optional_number(const Fields<kNames...>& fields, Decimal& out) {
    return optional_number(kName.view(), fields.template get<kName>(), out);
  }
  /// A whole number without sign; kNoId if it is none.
  static std::uint64_t id(Text token) noexcept {
    std::uint64_t value = 0;
    const auto result = std::from_chars(token.data(), token.data() + token.size(), value);
    return token.empty() || result.ec != std::errc() || result.ptr != token.data() + token.size() ? kNoId : value;
  }
  /// The id of a request as the exchange repeats it, for Answer::request: 0 if it does not.
  static std::uint64_t request_id(Text token) noexcept {
    const std::uint64_t value = id(token);
    return value == kNoId ? 0 : value;
  }
  static std::int64_t integer(Text token) noexcept {
    std::int64_t value = 0;
    std::from_chars(token.data(), token.data() + token.size(), value);
    return value;
  }
  /// Milliseconds since 1970, as a number or as text.
  static Micros millis(Text token) noexcept {
    const std::int64_t value = integer(token);
    return value > 0 && value < INT64_MAX / 1000 ? value * 1000 : 0;
  }
  /// Microseconds since 1970.
  static Micros micros(Text token) noexcept {
    const std::int64_t value = integer(token);
    return value > 0 ? value : 0;
  }
  /// Whole minutes, up to a month, in seconds: a candle's length. 0 for anything else.
  static std::int32_t minutes(Text token) noexcept {
    const std::int64_t value = integer(token);
    return value > 0 && value <= 31 * 24 * 60 ? static_cast<std::int32_t>(value) * 60 : 0;
  }
  /// Complains about a field without which the event makes no sense.
  bool require(Text field, Text token) { return !token.empty() || set_trouble(Fault::missing_field, field, token); }
  std::uint64_t require_id(Text field, Text token) {
    const std::uint64_t value = id(token);
    if (value == kNoId) set_trouble(token.empty() ? Fault::missing_field : Fault::not_a_number, field, token);
    return value;
  }
  template <FieldName kName, FieldName... kNames>
  std::uint64_t require_id(const Fields<kNames...>& fields) {
    return require_id(kName.view(), fields.template get<kName>());
  }

  /// Everything asked for since the frame (or recover()) could be read.
  [[nodiscard]] bool ok() const noexcept { return !has_trouble_; }
  /// Tells the core what was lost, if anything; returns ok() as it was and starts over.
  bool report(Out& out, Channel channel, Text symbol) {
    if (!has_trouble_) return true;
    trouble_.channel = channel;
    trouble_.symbol = symbol;
    out.trouble(trouble_);
    has_trouble_ = false;
    return false;
  }
  /// For a frame that is well-formed and means nothing to the dialect.
  static void unknown(Out& out, Text kind) {
    Trouble trouble;
    trouble.fault = Fault::unknown_kind;
    trouble.text = kind;
    out.trouble(trouble);
  }

 private:
  template <typename Body>
  bool read(const Frame& frame, Out& out, Body&& body) {
    has_trouble_ = false;
    broken_ = simdjson::SUCCESS;
    next_slot_ = SIZE_MAX;
    auto document = parser_.iterate(
        simdjson::padded_string_view(frame.bytes.data(), frame.bytes.size(), frame.bytes.size() + kFramePadding));
    if (document.error() != simdjson::SUCCESS) {
      fail(document.error());
    } else {
      body(document.value_unsafe());
      // Text behind the end is as wrong as an end that is missing.
      if (broken_ == simdjson::SUCCESS &&
          document.value_unsafe().current_location().error() != simdjson::OUT_OF_BOUNDS) {
        fail(simdjson::TRAILING_CONTENT);
      }
    }
    if (broken_ == simdjson::SUCCESS) return true;
    Trouble trouble;
    std::size_t start = 0;
    while (start < frame.bytes.size() && static_cast<unsigned char>(frame.bytes[start]) <= ' ') ++start;
    const bool begins = start < frame.bytes.size() && (frame.bytes[start] == '{' || frame.bytes[start] == '[');
    trouble.fault = begins ? Fault::truncated : Fault::not_json;
    trouble.text = frame.bytes;
    out.trouble(trouble);
    return false;
  }

  template <typename Field>
  void each_field(simdjson::ondemand::object object, Field&& field) {
    for (auto entry : object) {
      if (entry.error() != simdjson::SUCCESS) return fail(entry.error());
      auto& pair = entry.value_unsafe();
      const char* name = pair.key().raw();
      std::size_t size = 0;
      while (name[size] != '"') ++size;
      field(tag({name, size}), pair.value());
      if (broken_ != simdjson::SUCCESS) return;
    }
  }
  template <typename Item>
  void each_item(simdjson::ondemand::array array, Item&& item) {
    for (auto entry : array) {
      if (entry.error() != simdjson::SUCCESS) return fail(entry.error());
      item(entry.value_unsafe());
      if (broken_ != simdjson::SUCCESS) return;
    }
  }
  void not_that(Value& value, simdjson::error_code error) {
    if (error == simdjson::INCORRECT_TYPE && token(value).empty()) return;  // null, or the other kind of container
    fail(error);
  }
  void fail(simdjson::error_code error) { broken_ = error; }
  bool set_trouble(Fault fault, Text field, Text text) {
    if (has_trouble_) return false;
    has_trouble_ = true;
    trouble_ = {};
    trouble_.fault = fault;
    trouble_.field = field;
    trouble_.text = text;
    return false;
  }

  simdjson::ondemand::parser parser_;
  std::size_t next_slot_ = 0;
  simdjson::error_code broken_ = simdjson::SUCCESS;
  bool has_trouble_ = false;
  Trouble trouble_;
};

}  // namespace bixws
