// SPDX-License-Identifier: Apache-2.0
// NKeys and the signed tokens (JWT) of a NATS broker in operator mode, made anew for each test.
// After the NATS documentation, "NKeys" and "JWT": a key is its kind, its 32 bytes and their CRC-16, in base32.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace bixws::test {

class NKey {
 public:
  enum class Kind : unsigned char { account = 0 << 3, operators = 14 << 3, user = 20 << 3 };

  explicit NKey(Kind kind);

  // What may be shown: U..., A..., O...
  const std::string& name() const { return name_; }
  // What may not: SU...
  const std::string& seed() const { return seed_; }
  // A token that says `claims` (members of its "nats" object) of `subject`, signed with this key.
  std::string sign(const NKey& subject, std::string_view claims) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::string name_, seed_;
};

// A broker's operator with one account, and what a user of that account carries.
class NatsOperator {
 public:
  // Lines for the broker's configuration.
  std::string configuration() const;
  // The text of a credentials file of a new user.
  std::string credentials() const;

 private:
  NKey operator_{NKey::Kind::operators};
  NKey account_{NKey::Kind::account};
  NKey system_{NKey::Kind::account};  // the broker's own
};

}  // namespace bixws::test
