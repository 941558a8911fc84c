// SPDX-License-Identifier: Apache-2.0
// StreamPlace: STREAM:CREATED:SEQ; the stream's name may hold colons.
#include "nats/stream_place.h"

#include <charconv>

namespace bixws::nats {
namespace {

template <typename T>
bool read_part(std::string_view& text, T& number) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view digits = text.substr(colon + 1);
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  text.remove_suffix(digits.size() + 1);
  return result.ec == std::errc() && result.ptr == digits.data() + digits.size();
}

}  // namespace

std::string StreamPlace::text() const { return stream + ':' + std::to_string(created) + ':' + std::to_string(seq); }

std::optional<StreamPlace> StreamPlace::parse(std::string_view text) {
  StreamPlace place;
  if (!read_part(text, place.seq) || !read_part(text, place.created) || text.empty()) return std::nullopt;
  place.stream = text;
  return place;
}

}  // namespace bixws::nats
