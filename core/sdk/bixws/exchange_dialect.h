// SPDX-License-Identifier: Apache-2.0
// ExchangeDialect: what every exchange's dialect begins with, and BIXWS_EXCHANGE_FEED, what its plugin ends with.
#pragma once

#include <bixws/describe.h>
#include <bixws/frame_reader.h>

#include <new>
#include <string>

namespace bixws {

inline constexpr std::uint32_t kEveryChannel = channel_bit(Channel::ticker) | channel_bit(Channel::trades) |
                                               channel_bit(Channel::book) | channel_bit(Channel::candle);

/// A dialect in JSON with the options of BIXWS_EXCHANGE_OPTIONS. Its constructor fills in the rest of traits_.
class ExchangeDialect : public Dialect {
 public:
  [[nodiscard]] const Traits& traits() const noexcept override { return traits_; }

 protected:
  explicit ExchangeDialect(const Settings& settings) : url_(settings.get("url")), rest_(settings.get("rest")) {
    traits_.ws = url_;
    traits_.rest = rest_;
    traits_.channels = kEveryChannel;
  }

  Traits traits_;
  FrameReader json_;

 private:
  std::string url_, rest_;
};

}  // namespace bixws

/// The plugin of a dialect that needs nothing but its settings. `OPTIONS`: an array of Option.
#define BIXWS_EXCHANGE_FEED(CLASS, NAME, DESCRIPTION, VERSION, OPTIONS)                        \
  BIXWS_EXPORT const ::bixws::Descriptor* bixws_plugin_v1() noexcept {                         \
    static constexpr ::bixws::Descriptor kDescriptor = ::bixws::describe_dialect(              \
        NAME, VERSION, DESCRIPTION, OPTIONS,                                                   \
        [](const ::bixws::Settings& settings, ::bixws::Error&) noexcept -> ::bixws::Dialect* { \
          return new (std::nothrow) CLASS(settings);                                           \
        });                                                                                    \
    return &kDescriptor;                                                                       \
  }
