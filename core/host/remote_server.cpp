// SPDX-License-Identifier: Apache-2.0
// RemoteServer: callbacks of the source to hub, log and pipeline.
#include "host/remote_server.h"

#include <utility>

namespace bixws::host {

RemoteServer::RemoteServer(const feed::RemoteOptions& options, std::vector<std::string> symbols,
                           std::vector<std::string> channels, const Surroundings& around)
    : around_(around), source_(options, std::move(symbols), std::move(channels), around.instruments) {}

void RemoteServer::start(OnEnd on_end) {
  feed::RemoteSource::Callbacks callbacks;
  callbacks.publish = [this](std::unique_ptr<EventBatch> batch) { return around_.hub.publish(std::move(batch)); };
  callbacks.end = [this, on_end = std::move(on_end)](const feed::RemoteSource::End& end) {
    on_end({.failed = end.failed, .refused = end.refused, .reason = name() + ": " + end.reason});
  };
  callbacks.note = [this](std::string_view text) { around_.log.write(LogLevel::info, text); };
  source_.start(std::move(callbacks));
}

}  // namespace bixws::host
