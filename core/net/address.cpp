// SPDX-License-Identifier: Apache-2.0
// An IPv4 or IPv6 address with a port, and the resolving of host names to all of their addresses.
#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>

namespace bixws::net {

Address::Address(const sockaddr* address) noexcept : storage_{} {
  if (address->sa_family == AF_INET) {
    std::memcpy(&storage_.v4, address, sizeof storage_.v4);
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(&storage_.v6, address, sizeof storage_.v6);
    if (IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = storage_.v6.sin6_port;
      std::memcpy(&v4.sin_addr, storage_.v6.sin6_addr.s6_addr + 12, 4);
      storage_.v4 = v4;
    }
  }
}

std::optional<Address> Address::parse(std::string_view digits, std::uint16_t port) {
  if (digits.size() > 2 && digits.front() == '[' && digits.back() == ']') digits = digits.substr(1, digits.size() - 2);
  const std::string text(digits);
  Address address;
  if (::inet_pton(AF_INET, text.c_str(), &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
  } else if (::inet_pton(AF_INET6, text.c_str(), &address.storage_.v6.sin6_addr) == 1) {
    address.storage_.v6.sin6_family = AF_INET6;
  } else {
    return std::nullopt;
  }
  address.set_port(port);
  return address;
}

Address Address::of_socket(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return Address(reinterpret_cast<const sockaddr*>(&storage));
}

socklen_t Address::raw_size() const noexcept { return family() == AF_INET6 ? sizeof storage_.v6 : sizeof storage_.v4; }

std::uint16_t Address::port() const noexcept {
  return ntohs(family() == AF_INET6 ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

void Address::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET6) {
    storage_.v6.sin6_port = htons(port);
  } else {
    storage_.v4.sin_port = htons(port);
  }
}

bool Address::loopback() const noexcept {
  if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr);
  return family() == AF_INET && (ntohl(storage_.v4.sin_addr.s_addr) >> 24) == 127;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof text);
  } else if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &storage_.v4.sin_addr, text, sizeof text);
  }
  return text;
}

std::string Address::text() const {
  const std::string digits = host();
  return (family() == AF_INET6 ? "[" + digits + "]" : digits) + ":" + std::to_string(port());
}

std::string Address::host_key() const {
  std::string key(16, '\0');
  if (family() == AF_INET6) {
    std::memcpy(key.data(), storage_.v6.sin6_addr.s6_addr, 16);
  } else {
    key[10] = key[11] = static_cast<char>(0xff);
    std::memcpy(key.data() + 12, &storage_.v4.sin_addr, 4);
  }
  return key;
}

namespace {

/// RFC 6761, 6.3: these names are the loopback's, whatever a name server or a missing /etc/hosts says.
bool names_loopback(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string lower(host);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower == "localhost" || lower.ends_with(".localhost");
}

}  // namespace

Resolved resolve(const std::string& host, std::uint16_t port, bool for_listening) {
  if (const auto literal = Address::parse(host, port)) return {{*literal}, {}};
  if (names_loopback(host)) return {{*Address::parse("127.0.0.1", port), *Address::parse("::1", port)}, {}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = (for_listening ? AI_PASSIVE : 0) | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int status = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (status != 0) return {{}, status == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(status)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, &::freeaddrinfo);
  Resolved result;
  for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
    if (item->ai_family == AF_INET || item->ai_family == AF_INET6) result.addresses.emplace_back(item->ai_addr);
  }
  if (result.addresses.empty()) result.error = "the name has no IPv4 or IPv6 address";
  return result;
}

}  // namespace bixws::net
