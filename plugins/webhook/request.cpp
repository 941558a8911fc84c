// SPDX-License-Identifier: Apache-2.0
// Shapes: https://api.slack.com/messaging/webhooks, https://discord.com/developers/docs/resources/webhook,
// https://core.telegram.org/bots/api#sendmessage.
#include "request.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "model/text_buffer.h"
#include "model/time_text.h"

namespace bixws::webhook {
namespace {

constexpr std::size_t kDiscordMost = 2000;   // characters of a message
constexpr std::size_t kTelegramMost = 4096;  // likewise

std::string for_people(const Waiting& alert, std::size_t most) {
  std::string text = alert.text;
  const std::string end = " (" + format_rfc3339(alert.ts) + (alert.attempts > 0 ? ", repeated)" : ")");
  if (text.size() + end.size() > most) {
    std::size_t keep = most - end.size();
    while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0U) == 0x80U) --keep;  // no half UTF-8 character
    text.resize(keep);
  }
  return text + end;
}

/// Slack reads &, < and > as markup.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string body_of(const Waiting& alert, const Target& target) {
  TextBuffer out;
  switch (target.shape) {
    case Shape::json:
      // The protocol's own message, with what a receiver needs to drop repeats.
      out.raw(std::string_view(alert.message).substr(0, alert.message.size() - 1));
      out.raw(",\"attempt\":");
      out.integer(alert.attempts + 1);
      out.raw(alert.attempts > 0 ? ",\"repeat\":true}" : ",\"repeat\":false}");
      break;
    case Shape::slack:
      out.raw("{\"text\":");
      out.quoted(escaped(for_people(alert, kTelegramMost)));
      out.raw('}');
      break;
    case Shape::discord:
      out.raw("{\"content\":");
      out.quoted(for_people(alert, kDiscordMost));
      out.raw(",\"allowed_mentions\":{\"parse\":[]}}");
      break;
    case Shape::telegram:
      out.raw("{\"chat_id\":");
      out.quoted(target.chat);
      out.raw(",\"text\":");
      out.quoted(for_people(alert, kTelegramMost));
      out.raw('}');
      break;
  }
  return out.str();
}

std::string signature(std::string_view secret, std::int64_t now, std::string_view body) {
  const std::string signed_text = std::to_string(now) + "." + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest.data(), &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "sha256=";
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

net::HttpCall call_of(const Waiting& alert, const Target& target, std::int64_t now) {
  net::HttpCall call;
  call.url = target.url;
  call.method = "POST";
  call.body = body_of(alert, target);
  call.headers.add("User-Agent", "bixws/" BIXWS_VERSION);
  call.headers.add("Bixws-Id", alert.id);
  call.headers.add("Idempotency-Key", alert.id);
  call.headers.add("Bixws-Attempt", std::to_string(alert.attempts + 1));
  if (alert.attempts > 0) call.headers.add("Bixws-Repeat", "true");
  call.headers.add("Bixws-Timestamp", std::to_string(now));
  if (!target.secret.empty()) call.headers.add("Bixws-Signature", signature(target.secret, now, call.body));
  return call;
}

std::optional<net::Url> redirect_of(const net::Url& from, const net::HttpReply& reply) {
  const std::string* location = reply.headers.find("Location");
  if ((reply.status != 307 && reply.status != 308) || location == nullptr || location->empty()) return std::nullopt;
  net::Url to = from;
  if (location->front() == '/' && !location->starts_with("//")) {
    to.target = *location;
    return to;
  }
  try {
    to = net::parse_url(*location);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  const bool same = to.scheme == from.scheme && to.host == from.host && to.port == from.port;
  const bool safer = from.scheme == "http" && to.scheme == "https" && to.host == from.host;
  if (!same && !safer) return std::nullopt;
  return to;
}

}  // namespace bixws::webhook
