// SPDX-License-Identifier: Apache-2.0
// An IPv4 or IPv6 address with a port, and the resolving of host names to all of their addresses.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::net {

class Address {
 public:
  Address() noexcept : storage_{} {}
  /// `address` is a sockaddr_in or sockaddr_in6; an IPv4 address mapped into IPv6 becomes plain IPv4.
  explicit Address(const sockaddr* address) noexcept;

  /// An address in digits ("127.0.0.1", "::1", "[::1]"); nothing for a host name.
  static std::optional<Address> parse(std::string_view digits, std::uint16_t port);
  /// The local end of a socket.
  static Address of_socket(int fd);

  const sockaddr* raw() const noexcept { return &storage_.any; }
  socklen_t raw_size() const noexcept;
  int family() const noexcept { return storage_.any.sa_family; }
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  bool loopback() const noexcept;

  /// "192.0.2.1" or "2001:db8::1".
  std::string host() const;
  /// "192.0.2.1:80" or "[2001:db8::1]:80".
  std::string text() const;

  /// 16 bytes without the port, IPv4 in its mapped form: a key to count connections per address by.
  std::string host_key() const;

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

struct Resolved {
  std::vector<Address> addresses;
  std::string error;  // why there is none
};

/// Every address of a host name or literal, in the system's order of preference. Blocks (getaddrinfo). An empty host
/// means this machine: all interfaces when `for_listening`, loopback otherwise. localhost and the names under it are
/// the loopback, and nobody is asked for them (RFC 6761, 6.3).
Resolved resolve(const std::string& host, std::uint16_t port, bool for_listening = false);

}  // namespace bixws::net
