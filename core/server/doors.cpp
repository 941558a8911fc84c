// SPDX-License-Identifier: Apache-2.0
// Doors: tokens are kept and compared as digests, so that neither memory dumps nor timing tell them.
#include "server/doors.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <fstream>

#include "model/config_error.h"
#include "net/url.h"

namespace bixws::server {
namespace {

constexpr std::size_t kPerAddress = 256;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

std::vector<std::string> read_tokens(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw ConfigError("cannot read the token file " + path);
  std::vector<std::string> tokens;
  for (std::string line; std::getline(file, line);) {
    const std::string_view token = trimmed(line);
    if (!token.empty() && token.front() != '#') tokens.emplace_back(token);
  }
  if (tokens.empty()) throw ConfigError("the token file " + path + " holds no token; write one a line");
  return tokens;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return out;
}

}  // namespace

Doors::Doors(const Options& options) : options_(options) { reload(); }

void Doors::reload() {
  std::vector<std::string> tokens = options_.tokens;
  if (!options_.token_file.empty()) {
    for (std::string& token : read_tokens(options_.token_file)) tokens.push_back(std::move(token));
  }
  std::vector<Digest> digests;
  digests.reserve(tokens.size());
  for (const std::string& token : tokens) digests.push_back(digest(token));
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(digests);
}

Doors::Digest Doors::digest(std::string_view token) {
  Digest result{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), result.data());
  return result;
}

bool Doors::needs_token() const {
  const std::lock_guard lock(mutex_);
  return !tokens_.empty();
}

bool Doors::known(std::string_view token) const {
  const Digest offered = digest(token);
  const std::lock_guard lock(mutex_);
  int found = 0;
  for (const Digest& one : tokens_) found |= CRYPTO_memcmp(one.data(), offered.data(), one.size()) == 0 ? 1 : 0;
  return found != 0;
}

bool Doors::token_fits(const net::HttpRequest& request) const {
  if (!needs_token()) return true;
  if (const std::string* header = request.headers.find("Authorization")) {
    constexpr std::string_view scheme = "bearer ";
    if (header->size() > scheme.size() && lower(std::string_view(*header).substr(0, scheme.size())) == scheme) {
      return known(trimmed(std::string_view(*header).substr(scheme.size())));
    }
  }
  const std::string* token = net::query_value(request.query, "token");
  return token != nullptr && known(*token);
}

bool Doors::origin_fits(const net::HttpRequest& request, bool secure) const {
  const std::string* header = request.headers.find("Origin");
  if (header == nullptr) return true;
  const std::string origin = lower(*header);
  for (const std::string& allowed : options_.allowed_origins) {
    if (allowed == "*" || lower(allowed) == origin) return true;
  }
  const std::string* host = request.headers.find("Host");
  std::string scheme = secure ? "https" : "http";
  if (options_.trust_proxy) {
    if (const std::string* forwarded = request.headers.find("X-Forwarded-Host")) host = forwarded;
    if (const std::string* proto = request.headers.find("X-Forwarded-Proto")) scheme = lower(*proto);
  }
  return host != nullptr && origin == scheme + "://" + lower(*host);
}

Doors::Origin Doors::client_of(const net::HttpRequest& request, const net::Address& peer) const {
  net::Address address = peer;
  if (options_.trust_proxy) {
    // Each proxy appends whom it talked to: only the last entry was written by the one we trust.
    const std::string list = request.headers.joined("X-Forwarded-For");
    const std::size_t comma = list.rfind(',');
    const std::string_view last =
        trimmed(comma == std::string::npos ? std::string_view(list) : std::string_view(list).substr(comma + 1));
    if (const auto forwarded = net::Address::parse(last, 0)) address = *forwarded;
  }
  return {address.host(), address.host_key(), address.loopback()};
}

Doors::Entry Doors::enter(const Origin& client) {
  const std::lock_guard lock(mutex_);
  if (clients_.load(std::memory_order_relaxed) >= options_.max_clients) return Entry::full;
  const bool exempt = client.loopback && !options_.max_clients_per_address;
  std::size_t& here = addresses_[client.key];
  if (!exempt && here >= options_.max_clients_per_address.value_or(kPerAddress)) return Entry::address_full;
  ++here;
  clients_.fetch_add(1, std::memory_order_relaxed);
  return Entry::ok;
}

void Doors::leave(const Origin& client) {
  const std::lock_guard lock(mutex_);
  const auto at = addresses_.find(client.key);
  if (at != addresses_.end() && --at->second == 0) addresses_.erase(at);
  clients_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace bixws::server
