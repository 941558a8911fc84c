// SPDX-License-Identifier: Apache-2.0
// Link: a connection to a NATS broker that comes back by itself, and the options by which both plugins reach one.
#pragma once

#include <bixws/plugin.h>
#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bixws::nats {

inline constexpr Option kUrl = {"url", OptionType::string, "nats://localhost:4222",
                                "the broker: nats:// or tls://; several with + in between are one cluster"};
inline constexpr Option kPrefix = {"prefix", OptionType::string, "md", "subjects are PREFIX.exchange.SYMBOL.channel"};
inline constexpr Option kUser = {"user", OptionType::string, "", "name to log in with"};
inline constexpr Option kPassword = {"password", OptionType::string, "", "its password", true};
inline constexpr Option kToken = {"token", OptionType::string, "", "what the broker wants to let us in", true};
inline constexpr Option kNkey = {"nkey", OptionType::string, "", "our public NKey (U...)"};
inline constexpr Option kSeed = {"seed", OptionType::string, "", "file with the NKey's seed (SU...)"};
inline constexpr Option kCreds = {"creds", OptionType::string, "", "credentials file (JWT and seed)"};
inline constexpr Option kCa = {"ca", OptionType::string, "",
                               "file of the authorities that its certificate may come from; default: the system's"};
inline constexpr Option kCert = {"cert", OptionType::string, "", "our certificate, where the broker wants one"};
inline constexpr Option kKey = {"key", OptionType::string, "", "its private key"};
inline constexpr Option kInsecure = {"insecure", OptionType::boolean, "false", "take any certificate"};

/// What cnats reports, as an exception.
void check(natsStatus status, std::string_view doing);

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* item) const { Free(item); }
};
using MessagePtr = std::unique_ptr<natsMsg, Freed<natsMsg, natsMsg_Destroy>>;
using RawSubscriptionPtr = std::unique_ptr<natsSubscription, Freed<natsSubscription, natsSubscription_Destroy>>;

/// Its handler is not running and will not be called again once this is destroyed.
class Subscription {
 public:
  explicit Subscription(natsSubscription* subscription);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  RawSubscriptionPtr subscription_;
  struct End;
  std::shared_ptr<End> end_;
};
using SubscriptionPtr = std::unique_ptr<Subscription>;

/// The options of the two plugins that say how to get in, checked: throws std::runtime_error. May be used many times.
class Access {
 public:
  explicit Access(const Settings& settings);
  [[nodiscard]] natsOptions* options() const { return options_.get(); }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] bool tls() const { return tls_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }

 private:
  std::unique_ptr<natsOptions, Freed<natsOptions, natsOptions_Destroy>> options_;
  std::string url_, prefix_;
  bool tls_ = false;
};

/// Why there is no connection.
struct LinkError : std::runtime_error {
  LinkError(const std::string& text, bool is_refused) : std::runtime_error(text), refused(is_refused) {}
  bool refused;  ///< the broker is there and does not let us in
};

class Link {
 public:
  /// Called from threads of the library; none may destroy the link.
  struct Callbacks {
    std::function<void(const std::string& why)> down;      ///< it is lost, and tried again
    std::function<void()> up;                              ///< it is back
    std::function<void(const std::string& why)> over;      ///< it does not come back: only a new link can
    std::function<void(const std::string& what)> trouble;  ///< goes on
  };
  enum class WhenLost : std::uint8_t { comes_back, is_over };
  /// Connects, within a few seconds. Throws LinkError.
  Link(const Access& access, WhenLost when_lost, Callbacks callbacks);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] natsConnection* get() const { return connection_; }
  [[nodiscard]] bool up() const { return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED; }
  /// No callback begins afterwards. Idempotent.
  void stop();
  /// A subscription whose messages all come on the one thread that all of the process share. `most_bytes` may wait.
  SubscriptionPtr subscribe(const std::string& subject, natsMsgHandler handler, void* closure, int most_bytes) const;

 private:
  static void on_up(natsConnection*, void* self);
  static void on_down(natsConnection* connection, void* self);
  static void on_over(natsConnection* connection, void* self);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* self);

  Callbacks callbacks_;
  natsConnection* connection_ = nullptr;
  struct Ended;
  std::unique_ptr<Ended> ended_;
  /// What goes wrong with every message is not said with every message.
  struct Complaints;
  std::unique_ptr<Complaints> complaints_;
};

}  // namespace bixws::nats
