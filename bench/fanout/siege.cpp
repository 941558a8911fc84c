// SPDX-License-Identifier: Apache-2.0
// Siege: besiegers on one epoll; the client that wants to be served takes its turn on the same one.
#include "siege.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "handshake.h"
#include "process.h"

namespace bixws::bench {
namespace {

constexpr double kPatience = 5;    // for one service
constexpr double kBetween = 0.02;  // seconds from one service to the next

class Siege {
 public:
  explicit Siege(const SiegeOptions& options)
      : options_(options),
        besiegers_(static_cast<std::size_t>(options.half_open + options.trickling)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        request_(handshake_request(options.target.path)) {
    if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
  }
  ~Siege() { ::close(epoll_); }
  Siege(const Siege&) = delete;
  Siege& operator=(const Siege&) = delete;

  SiegeReport run() {
    for (std::size_t i = 0; i < besiegers_.size(); ++i) invade(i);
    const double begin = steady_seconds();
    double due = begin + 1;  // all of them stand there by then
    while (steady_seconds() - begin < options_.seconds && report_.complaint.empty()) {
      wait(due - steady_seconds());
      trickle();
      if (!client_.is_open() && steady_seconds() >= due) call();
      if (client_.is_open() && steady_seconds() - called_ > kPatience) fail("not served within 5 s");
      if (!client_.is_open() && served_) {
        served_ = false;
        due = steady_seconds() + kBetween;
      }
    }
    for (const Besieger& besieger : besiegers_) report_.present += besieger.link.is_open() ? 1 : 0;
    return std::move(report_);
  }

 private:
  struct Besieger {
    Link link;
    std::size_t sent = 0;
    bool ready = false;
  };

  void invade(std::size_t index) {
    Besieger& besieger = besiegers_[index];
    besieger.sent = 0;
    besieger.ready = false;
    besieger.link.close();
    if (!besieger.link.open(options_.target, 1)) return fail("a besieger cannot connect");
    watch(besieger.link, EPOLLOUT, EPOLL_CTL_ADD, index + 1);
  }

  void call() {
    stream_ = {};
    head_.clear();
    called_ = steady_seconds();
    asked_ = false;
    if (!client_.open(options_.target, 0)) return fail("the client cannot connect");
    watch(client_, EPOLLOUT, EPOLL_CTL_ADD, 0);
  }

  void watch(const Link& link, std::uint32_t events, int operation, std::size_t number) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    ::epoll_ctl(epoll_, operation, link.fd(), &event);
  }

  void wait(double seconds) {
    const int limit = seconds > 0.01 ? 10 : seconds > 0 ? 1 : 0;
    const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), limit);
    for (int i = 0; i < count; ++i) {
      const std::size_t number = events_[static_cast<std::size_t>(i)].data.u64;
      if (number == 0) {
        serve_client();
      } else {
        serve(number - 1);
      }
    }
  }

  void serve(std::size_t index) {
    Besieger& besieger = besiegers_[index];
    if (!besieger.link.is_open()) return;
    if (!besieger.ready) {
      if (besieger.link.secure() != Link::Io::ok) return fail("a besieger is refused");
      besieger.ready = true;
      watch(besieger.link, EPOLLIN, EPOLL_CTL_MOD, index + 1);
      const bool half_open = index < static_cast<std::size_t>(options_.half_open);
      besieger.sent = half_open ? request_.size() / 2 : 1;
      if (besieger.link.send(std::string_view(request_).substr(0, besieger.sent)) == Link::Io::ok) return;
    }
    std::size_t bytes = 0;
    const Link::Io outcome = besieger.link.receive(buffer_, bytes);
    if (outcome != Link::Io::ended) return;
    ++report_.cut;
    invade(index);
  }

  void trickle() {
    if (steady_seconds() - trickled_ < 1) return;
    trickled_ = steady_seconds();
    for (std::size_t i = static_cast<std::size_t>(options_.half_open); i < besiegers_.size(); ++i) {
      Besieger& besieger = besiegers_[i];
      if (!besieger.ready || besieger.sent + 1 >= request_.size()) continue;
      if (besieger.link.send(std::string_view(request_).substr(besieger.sent, 1)) == Link::Io::ok) ++besieger.sent;
    }
  }

  void serve_client() {
    if (!client_.is_open()) return;
    if (!asked_) {
      if (client_.secure() != Link::Io::ok || client_.send(request_) != Link::Io::ok) return fail("refused");
      asked_ = true;
      watch(client_, EPOLLIN, EPOLL_CTL_MOD, 0);
      return;
    }
    std::size_t bytes = 0;
    const Link::Io outcome = client_.receive(buffer_, bytes);
    if (outcome == Link::Io::again) return;
    if (outcome == Link::Io::ended) return fail("the client was cut");
    std::string_view got(buffer_.data(), bytes);
    if (!upgraded()) {
      head_ += got;
      if (!upgraded()) return;
      if (const std::string wrong = check_handshake(head_); !wrong.empty()) return fail(wrong);
      got = std::string_view(head_).substr(head_.find("\r\n\r\n") + 4);
    }
    std::string reply;
    if (stream_.take(got, wall_us(), tally_, reply) != Stream::Outcome::more) return fail("ended at once");
    if (tally_.others + tally_.checked == 0) return;
    tally_ = {};
    report_.served.add(static_cast<std::int64_t>((steady_seconds() - called_) * 1e6));
    client_.close();
    served_ = true;
  }

  [[nodiscard]] bool upgraded() const { return head_.find("\r\n\r\n") != std::string::npos; }

  void fail(const std::string& text) {
    if (report_.complaint.empty()) report_.complaint = text;
  }

  const SiegeOptions& options_;
  SiegeReport report_;
  std::vector<Besieger> besiegers_;
  int epoll_;
  std::string request_;
  std::array<epoll_event, 256> events_{};
  std::vector<char> buffer_ = std::vector<char>(std::size_t{64} * 1024);
  double trickled_ = 0;

  Link client_;
  Stream stream_;
  Tally tally_;
  std::string head_;
  double called_ = 0;
  bool asked_ = false;
  bool served_ = false;
};

}  // namespace

SiegeReport run_siege(const SiegeOptions& options) { return Siege(options).run(); }

}  // namespace bixws::bench
