// SPDX-License-Identifier: Apache-2.0
// Envelopes: written and read from the end, without a look at the message in between.
#include "nats/envelope.h"

#include <charconv>
#include <iterator>

#include "model/event_json.h"

namespace bixws::nats {
namespace {

constexpr std::string_view kEpoch = ",\"epoch\":\"";
constexpr std::string_view kN = "\",\"n\":";
constexpr std::string_view kOf = ",\"of\":";
constexpr std::string_view kDepths = ",\"depths\":[";

/// What separates tokens or stands for several must not be in one.
std::string token(std::string_view text) {
  std::string safe = text.empty() ? std::string("_") : std::string(text);
  for (char& c : safe) {
    if (c == '.' || c == '*' || c == '>' || static_cast<unsigned char>(c) <= ' ') c = '_';
  }
  return safe;
}

std::string channel_token(const Event& event) {
  switch (event.kind) {
    case Kind::ticker:
      return "ticker";
    case Kind::trades:
      return "trades";
    case Kind::book:
      return "book";
    case Kind::candle:
      return candles_channel(event.candle().seconds);
    case Kind::status:
      return "status";
    case Kind::gap:
      return "gap";
    case Kind::alert:
      return "alerts";
    case Kind::annotation:
      return "annotations";
    case Kind::raw:
      break;
  }
  return {};
}

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

std::string subject_of(std::string_view prefix, const Event& event) {
  const std::string channel = channel_token(event);
  if (channel.empty()) return {};
  return std::string(prefix) + '.' + token(event.instrument->exchange) + '.' + token(event.instrument->symbol) + '.' +
         channel;
}

std::string ask_subject(std::string_view prefix) { return std::string(prefix) + "-ask"; }

std::string_view exchange_of(std::string_view prefix, std::string_view subject) {
  if (!subject.starts_with(prefix) || subject.size() <= prefix.size() || subject[prefix.size()] != '.') return {};
  subject.remove_prefix(prefix.size() + 1);
  const auto dot = subject.find('.');
  return dot == std::string_view::npos ? std::string_view() : subject.substr(0, dot);
}

std::string_view channel_of(std::string_view subject) { return subject.substr(subject.rfind('.') + 1); }

void close_envelope(TextBuffer& out, const Place& place) {
  out.shrink_to(out.size() - 1);
  out.raw(kEpoch);
  out.raw(place.epoch);
  out.raw(kN);
  out.integer(place.n);
  out.raw('}');
}

void close_answer(TextBuffer& out, std::string_view subject, const Place& place,
                  std::span<const std::uint64_t> depths) {
  out.shrink_to(out.size() - 1);
  if (!depths.empty()) {
    out.raw(kDepths);
    for (std::size_t i = 0; i < depths.size(); ++i) {
      if (i != 0) out.raw(',');
      out.integer(depths[i]);
    }
    out.raw(']');
  }
  out.raw(kOf);
  out.quoted(subject);
  out.raw('}');
  close_envelope(out, place);
}

std::optional<Envelope> read_envelope(std::string_view payload) {
  if (!payload.starts_with('{') || !payload.ends_with('}')) return std::nullopt;
  const auto at = payload.rfind(kEpoch);
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  Envelope envelope;
  envelope.message = payload.substr(0, at);
  std::string_view rest = payload.substr(at + kEpoch.size());
  const auto end = rest.find('"');
  envelope.place.epoch = rest.substr(0, end);
  if (end == 0 || end == std::string_view::npos || !rest.substr(end).starts_with(kN)) return std::nullopt;
  rest.remove_prefix(end + kN.size());
  rest.remove_suffix(1);
  if (!read_number(rest, envelope.place.n)) return std::nullopt;
  return envelope;
}

std::optional<AnswerParts> read_answer(const Envelope& envelope) {
  AnswerParts parts;
  const auto at = envelope.message.rfind(kOf);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view subject = envelope.message.substr(at + kOf.size());
  if (subject.size() < 3 || subject.front() != '"' || subject.back() != '"') return std::nullopt;
  parts.subject = subject.substr(1, subject.size() - 2);
  const std::string_view before = envelope.message.substr(0, at);
  const auto depths = before.rfind(kDepths);
  if (depths == std::string_view::npos || !before.ends_with(']')) return parts;
  std::string_view list = before.substr(depths + kDepths.size());
  list.remove_suffix(1);
  std::size_t count = 0;
  while (!list.empty() && count < std::size(parts.depths)) {
    const auto comma = std::min(list.find(','), list.size());
    if (!read_number(list.substr(0, comma), parts.depths[count])) return parts;  // a book's levels: not ours
    ++count;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  parts.depth_count = count;
  return parts;
}

}  // namespace bixws::nats
