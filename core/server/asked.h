// SPDX-License-Identifier: Apache-2.0
// What a subscribe names.
#pragma once

#include <algorithm>
#include <functional>

#include "server/request.h"
#include "server/selection.h"

namespace bixws::server {

/// `only`: nullptr for everything.
inline bool wants(const SubscribeRequest* only, const Instrument& instrument) {
  return only == nullptr || only->every ||
         std::find(only->instruments.begin(), only->instruments.end(), &instrument) != only->instruments.end();
}

inline bool has_channel(const SubscribeRequest& request, Channel channel) {
  return std::any_of(request.channels.begin(), request.channels.end(),
                     [channel](const ChannelSpec& what) { return what.channel == channel; });
}

/// Lives no longer than the selection.
inline std::function<bool(const Instrument&)> chosen_tickers(const Selection& selection) {
  return [&selection](const Instrument& i) { return selection.find({Channel::ticker, 0}, i).has_value(); };
}

}  // namespace bixws::server
