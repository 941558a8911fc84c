// SPDX-License-Identifier: Apache-2.0
// Doors: who may come in. Tokens, browsers' origins, and how many clients there may be, in all and per address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/http.h"
#include "server/options.h"

namespace bixws::server {

/// Every call is safe from any thread.
class Doors {
 public:
  /// Throws ConfigError when the token file cannot be read or holds no token.
  explicit Doors(const Options& options);

  /// Reads the token file again. Throws ConfigError and then keeps what it had.
  void reload();

  [[nodiscard]] bool needs_token() const;
  /// `Authorization: Bearer T` or `?token=T`. Takes the same time whatever is wrong with the token.
  [[nodiscard]] bool token_fits(const net::HttpRequest& request) const;
  /// No Origin (not a browser), the same origin, or an allowed one.
  [[nodiscard]] bool origin_fits(const net::HttpRequest& request, bool secure) const;
  /// The client's own address, as text for logs and as key for counting: behind a trusted proxy what that says.
  struct Origin {
    std::string text;
    std::string key;
    bool loopback = false;
  };
  [[nodiscard]] Origin client_of(const net::HttpRequest& request, const net::Address& peer) const;

  enum class Entry : std::uint8_t { ok, full, address_full };
  /// Each ok is followed by one leave().
  [[nodiscard]] Entry enter(const Origin& client);
  void leave(const Origin& client);
  [[nodiscard]] std::size_t clients() const { return clients_.load(std::memory_order_relaxed); }

 private:
  using Digest = std::array<unsigned char, 32>;
  static Digest digest(std::string_view token);
  [[nodiscard]] bool known(std::string_view token) const;

  const Options& options_;
  mutable std::mutex mutex_;
  std::vector<Digest> tokens_;                    // guarded by mutex_
  std::map<std::string, std::size_t> addresses_;  // guarded by mutex_
  std::atomic<std::size_t> clients_{0};
};

}  // namespace bixws::server
