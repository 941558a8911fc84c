// SPDX-License-Identifier: Apache-2.0
#include "support/nkey.h"

#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <vector>

namespace bixws::test {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr unsigned kSeedPrefix = 18U << 3;

std::uint16_t crc16(std::string_view bytes) {
  std::uint16_t sum = 0;
  for (const char c : bytes) {
    sum = static_cast<std::uint16_t>(sum ^ static_cast<unsigned char>(c) << 8);
    for (int bit = 0; bit < 8; ++bit)
      sum = static_cast<std::uint16_t>((sum & 0x8000) != 0 ? sum << 1 ^ 0x1021 : sum << 1);
  }
  return sum;
}

// The digits of `bytes` in an alphabet of 2^Bits characters, without padding.
template <unsigned Bits>
std::string digits(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  std::uint32_t held = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= Bits; count -= Bits) text += alphabet[held >> (count - Bits) & ((1U << Bits) - 1)];
  }
  if (count != 0) text += alphabet[held << (Bits - count) & ((1U << Bits) - 1)];
  return text;
}

std::string base32_with_sum(std::string bytes) {
  const std::uint16_t sum = crc16(bytes);
  bytes += static_cast<char>(sum & 0xff);
  bytes += static_cast<char>(sum >> 8);
  return digits<5>(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

std::string base64_of_urls(std::string_view bytes) {
  return digits<6>(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

using Raw = int (*)(const EVP_PKEY*, unsigned char*, std::size_t*);

std::string raw(const EVP_PKEY* key, Raw get) {
  std::string bytes(kKeyBytes, '\0');
  std::size_t size = bytes.size();
  if (get(key, reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1 || size != kKeyBytes) {
    throw std::runtime_error("no Ed25519 key of 32 bytes");
  }
  return bytes;
}

}  // namespace

NKey::NKey(Kind kind) : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {
  if (!key_) throw std::runtime_error("OpenSSL makes no Ed25519 key");
  const auto prefix = static_cast<unsigned>(kind);
  name_ = base32_with_sum(static_cast<char>(prefix) + raw(key_.get(), EVP_PKEY_get_raw_public_key));
  const std::string head{static_cast<char>(kSeedPrefix | prefix >> 5), static_cast<char>((prefix & 31) << 3)};
  seed_ = base32_with_sum(head + raw(key_.get(), EVP_PKEY_get_raw_private_key));
}

std::string NKey::sign(const NKey& subject, std::string_view claims) const {
  const std::string body = R"({"iat":)" + std::to_string(std::time(nullptr)) + R"(,"iss":")" + name_ +
                           R"(","name":"test","sub":")" + subject.name_ + R"(","nats":{"version":2,)" +
                           std::string(claims) + "}}";
  const std::string text = base64_of_urls(R"({"typ":"JWT","alg":"ed25519-nkey"})") + "." + base64_of_urls(body);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::vector<unsigned char> signature(64);
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(text.data()),
                     text.size()) != 1) {
    throw std::runtime_error("cannot sign");
  }
  return text + "." + base64_of_urls({reinterpret_cast<const char*>(signature.data()), size});
}

std::string NatsOperator::configuration() const {
  constexpr std::string_view kAccount =
      R"("type":"account","limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,)"
      R"("conn":-1,"leaf":-1})";
  const auto entry = [&](const NKey& account) {
    return "  " + account.name() + ": " + operator_.sign(account, kAccount) + "\n";
  };
  return "operator: " + operator_.sign(operator_, R"("type":"operator")") + "\nresolver: MEMORY\nresolver_preload {\n" +
         entry(account_) + entry(system_) + "}\nsystem_account: " + system_.name() + "\n";
}

std::string NatsOperator::credentials() const {
  const NKey user(NKey::Kind::user);
  return "-----BEGIN NATS USER JWT-----\n" +
         account_.sign(user, R"("type":"user","pub":{},"sub":{},"subs":-1,"data":-1,"payload":-1)") +
         "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n" + user.seed() +
         "\n------END USER NKEY SEED------\n";
}

}  // namespace bixws::test
