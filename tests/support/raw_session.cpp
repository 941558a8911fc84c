// SPDX-License-Identifier: Apache-2.0
// Raw sessions of captures.
#include "support/raw_session.h"

#include <algorithm>
#include <vector>

#include "model/instruments.h"
#include "recording/session_writer.h"

namespace bixws::test {
namespace {

struct Moment {
  std::int64_t time_us = 0;
  RawFrame frame;
};

}  // namespace

void write_raw_session(const std::filesystem::path& file, const std::string& exchange, const Capture& capture,
                       int times) {
  std::vector<Moment> moments;
  for (const CapturedRest& rest : capture.rest) {
    moments.push_back({rest.time_us, {0, RawFrame::Direction::rest, rest.url, rest.body}});
  }
  for (const CapturedSend& sent : capture.sends) {
    moments.push_back({sent.time_us, {1, RawFrame::Direction::sent, {}, sent.payload}});
  }
  for (const CapturedFrame& frame : capture.frames) {
    const auto connection = static_cast<std::uint32_t>(frame.connection + 1);
    moments.push_back({frame.time_us, {connection, RawFrame::Direction::received, {}, frame.payload}});
  }
  std::stable_sort(moments.begin(), moments.end(),
                   [](const Moment& a, const Moment& b) { return a.time_us < b.time_us; });
  const std::int64_t begin = moments.empty() ? 0 : moments.front().time_us;
  for (std::size_t i = 0; i < capture.connects.size(); ++i) {
    const auto connection = static_cast<std::uint32_t>(i + 1);
    moments.insert(moments.begin(), {begin, {connection, RawFrame::Direction::connected, capture.connects[i], {}}});
  }

  Instruments instruments;
  const Instrument& feed = instruments.get(exchange, "");
  recording::SessionOptions options;
  options.path = file.string();
  options.feeds = exchange;
  options.first_feed = exchange;
  options.version = "test";
  options.now = begin;
  options.raw = true;
  recording::SessionWriter writer(std::move(options));
  const std::int64_t length = moments.empty() ? 0 : moments.back().time_us - begin + 1;
  for (int i = 0; i < times; ++i) {
    auto batch = std::make_shared<EventBatch>();
    for (const Moment& moment : moments) {
      batch->append(Event::of(feed, moment.time_us + i * length, 0, moment.frame));
    }
    writer.write(batch);
    writer.commit();
  }
  writer.finish();
}

}  // namespace bixws::test
