// SPDX-License-Identifier: Apache-2.0
// Protocol requests to calls of the replayer.
#include "host/replay_control.h"

namespace bixws::host {

std::string control_replay(recording::Replayer& replayer, const server::ReplayRequest& request) {
  using Action = server::ReplayRequest::Action;
  if (replayer.position().state == recording::Playback::State::ended) return "the replay has ended";
  switch (request.action) {
    case Action::pause:
      replayer.pause();
      break;
    case Action::resume:
      replayer.resume();
      break;
    case Action::step:
      replayer.step(static_cast<std::uint64_t>(request.steps));
      break;
    case Action::seek:
      replayer.seek(request.relative ? replayer.position().started_ts + request.time : request.time);
      break;
    case Action::speed:
      replayer.set_speed(request.factor);
      break;
  }
  return {};
}

}  // namespace bixws::host
