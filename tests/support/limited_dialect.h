// SPDX-License-Identifier: Apache-2.0
// A dialect with other limits than the exchange's own, so that a few symbols and little time reach them.
#pragma once

#include <bixws/dialect.h>

#include <memory>
#include <utility>

namespace bixws::test {

class LimitedDialect final : public Dialect {
 public:
  // silence 0: the exchange's own.
  LimitedDialect(std::unique_ptr<Dialect> inner, const Limits& limits, Micros silence = 0)
      : inner_(std::move(inner)), traits_(inner_->traits()) {
    traits_.limits = limits;
    if (silence != 0) traits_.silence = silence;
  }

  [[nodiscard]] const Traits& traits() const noexcept override { return traits_; }
  [[nodiscard]] Text path(Channel channel) const noexcept override { return inner_->path(channel); }
  [[nodiscard]] std::uint32_t topics_of(Channel channel) const noexcept override { return inner_->topics_of(channel); }
  void request(const Request& request, TextOut& frame) noexcept override { inner_->request(request, frame); }
  void keep_alive(std::uint64_t id, TextOut& frame) noexcept override { inner_->keep_alive(id, frame); }
  void read(const Frame& frame, Out& out) noexcept override { inner_->read(frame, out); }
  void opened(std::uint32_t connection) noexcept override { inner_->opened(connection); }
  void list_path(Text cursor, TextOut& path) noexcept override { inner_->list_path(cursor, path); }
  void read_list(const Frame& body, Out& out) noexcept override { inner_->read_list(body, out); }
  void snapshot_path(Text symbol, TextOut& path) noexcept override { inner_->snapshot_path(symbol, path); }
  void read_snapshot(Text symbol, const Frame& body, Out& out) noexcept override {
    inner_->read_snapshot(symbol, body, out);
  }
  [[nodiscard]] std::uint32_t checksum(std::span<const Level> bids, std::span<const Level> asks) noexcept override {
    return inner_->checksum(bids, asks);
  }

 private:
  std::unique_ptr<Dialect> inner_;
  Traits traits_;
};

}  // namespace bixws::test
