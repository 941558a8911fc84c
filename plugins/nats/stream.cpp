// SPDX-License-Identifier: Apache-2.0
// Streams: the part of JetStream's interface that is needed.
#include "nats/stream.h"

#include <memory>

namespace bixws::nats {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr int kBatch = 1'000;
constexpr std::chrono::milliseconds kSilent{1'000};

using ContextPtr = std::unique_ptr<jsCtx, Freed<jsCtx, jsCtx_Destroy>>;
using InfoPtr = std::unique_ptr<jsStreamInfo, Freed<jsStreamInfo, jsStreamInfo_Destroy>>;

jsCtx* open_context(natsConnection* connection) {
  jsOptions options;
  check(jsOptions_Init(&options), "JetStream");
  options.Wait = 2'000;
  jsCtx* made = nullptr;
  check(natsConnection_JetStream(&made, connection, &options), "JetStream");
  return made;
}

}  // namespace

StreamState stream_state(natsConnection* connection, const std::string& name) {
  const ContextPtr context(open_context(connection));
  jsStreamInfo* made = nullptr;
  jsErrCode code{};
  check(js_GetStreamInfo(&made, context.get(), name.c_str(), nullptr, &code), "stream " + name);
  const InfoPtr info(made);
  return {info->Created, info->State.FirstSeq, info->State.LastSeq};
}

void ensure_stream(natsConnection* connection, const StreamPlan& plan, const std::string& prefix) {
  const ContextPtr context(open_context(connection));
  jsStreamInfo* found = nullptr;
  jsErrCode code{};
  natsStatus status = js_GetStreamInfo(&found, context.get(), plan.name.c_str(), nullptr, &code);
  const InfoPtr known(found);
  if (status == NATS_OK) return;  // whoever made it has decided what it keeps
  if (status != NATS_NOT_FOUND) check(status, "stream " + plan.name);
  jsStreamConfig config;
  check(jsStreamConfig_Init(&config), "stream");
  const std::string subjects = prefix + ".>";
  const char* list[] = {subjects.c_str()};
  config.Name = plan.name.c_str();
  config.Subjects = list;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  config.MaxAge = std::chrono::duration_cast<std::chrono::nanoseconds>(plan.keep).count();
  config.MaxBytes = plan.keep_bytes > 0 ? plan.keep_bytes : -1;
  config.Duplicates = 120 * kSecond;
  jsStreamInfo* made = nullptr;
  status = js_AddStream(&made, context.get(), &config, nullptr, &code);
  const InfoPtr info(made);
  check(status, "make stream " + plan.name);
}

StreamReader::StreamReader(natsConnection* connection, const std::string& name, const std::string& subjects,
                           std::uint64_t from)
    : context_(open_context(connection)) {
  jsSubOptions options;
  check(jsSubOptions_Init(&options), "stream");
  options.Stream = name.c_str();
  options.Config.DeliverPolicy = js_DeliverByStartSequence;
  options.Config.OptStartSeq = from;
  // The place of what was taken is kept here, in the recording's own transaction; the broker need not know it.
  options.Config.AckPolicy = js_AckNone;
  options.Config.MemoryStorage = true;
  options.Config.InactiveThreshold = 60 * kSecond;
  natsSubscription* made = nullptr;
  jsErrCode code{};
  const natsStatus status = js_PullSubscribe(&made, context_, subjects.c_str(), nullptr, nullptr, &options, &code);
  subscription_.reset(made);
  if (status != NATS_OK) {
    jsCtx_Destroy(context_);
    check(status, "read stream " + name);
  }
  heard_ = std::chrono::steady_clock::now();
}

StreamReader::~StreamReader() {
  subscription_.reset();
  jsCtx_Destroy(context_);
}

bool StreamReader::read(std::chrono::milliseconds timeout, const Take& take) {
  natsMsgList list{};
  jsErrCode code{};
  const natsStatus status = natsSubscription_Fetch(&list, subscription_.get(), kBatch, timeout.count(), &code);
  // Whatever ended the wait, what is in the list has left the stream for us and does not come again.
  bool whole = true;
  for (int i = 0; i < list.Count && whole; ++i) {
    jsMsgMetaData* made = nullptr;
    if (natsMsg_GetMetaData(&made, list.Msgs[i]) != NATS_OK) {
      whole = false;
      break;
    }
    const std::uint64_t seq = made->Sequence.Stream;
    // Nothing is acknowledged, so that the broker does not send again what was lost on the way, with a connection say.
    whole = made->Sequence.Consumer == ++delivered_;
    jsMsgMetaData_Destroy(made);
    if (!whole) break;
    take(natsMsg_GetSubject(list.Msgs[i]),
         {natsMsg_GetData(list.Msgs[i]), static_cast<std::size_t>(natsMsg_GetDataLength(list.Msgs[i]))}, seq);
  }
  const bool something = list.Count > 0;
  natsMsgList_Destroy(&list);
  if (!whole || (status != NATS_OK && status != NATS_TIMEOUT)) return false;
  const auto now = std::chrono::steady_clock::now();
  if (!something && now - heard_ < kSilent) return true;
  heard_ = now;
  return something || still_known();
}

/// A broker that was restarted has forgotten us and leaves our requests unanswered, as it does when nothing is new.
bool StreamReader::still_known() const {
  jsConsumerInfo* made = nullptr;
  jsErrCode code{};
  const natsStatus status = natsSubscription_GetConsumerInfo(&made, subscription_.get(), nullptr, &code);
  if (status == NATS_TIMEOUT) return true;  // it is away, or busy: asked again
  if (status != NATS_OK) return false;
  const bool all_came = made->Delivered.Consumer == delivered_;
  jsConsumerInfo_Destroy(made);
  return all_came;
}

}  // namespace bixws::nats
