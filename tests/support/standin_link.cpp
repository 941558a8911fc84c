// SPDX-License-Identifier: Apache-2.0
// The thread of one connection of the stand-in exchange.
#include "support/standin_link.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace bixws::test {

namespace {

const char* reason_of(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 418:
      return "I'm a teapot";
    case 429:
      return "Too Many Requests";
    case 451:
      return "Unavailable For Legal Reasons";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string reply_text(const HttpReply& reply) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " " + reason_of(reply.status) + "\r\n";
  text += "Content-Type: " + reply.content_type + "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
  for (const auto& [name, value] : reply.headers) text.append(name).append(": ").append(value).append("\r\n");
  return text.append("\r\n").append(reply.body, 0, std::min(reply.cut_after, reply.body.size()));
}

std::string switching_text(const HttpRequest& request) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         ws_accept(request.head.header("sec-websocket-key")) + "\r\n\r\n";
}

}  // namespace

Link::Link(int fd, LinkOwner& owner, LinkOptions options)
    : owner_(owner), options_(options), wire_(fd), random_(options.split_seed) {
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { run(); });
}

Link::~Link() {
  stopping_ = true;
  wake();
  thread_.join();
  ::close(wake_fd_);
}

void Link::wake() const {
  const std::uint64_t one = 1;
  const ssize_t ignored = ::write(wake_fd_, &one, sizeof(one));
  static_cast<void>(ignored);
}

void Link::send(std::shared_ptr<const std::string> bytes, Milliseconds delay, After after) {
  if (!takes_data()) return;
  {
    const std::scoped_lock lock(mutex_);
    queued_bytes_ += bytes->size();
    queue_.push_back({std::move(bytes), std::chrono::steady_clock::now() + delay, after});
    if (after != After::go_on) ending_ = true;
  }
  wake();
}

void Link::send(std::string bytes, Milliseconds delay, After after) {
  send(std::make_shared<const std::string>(std::move(bytes)), delay, after);
}

void Link::send_frame(WsOpcode opcode, std::string_view payload, Milliseconds delay) {
  send(ws_frame(opcode, payload), delay);
}

bool Link::take_ping(const std::string& payload) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::find(pings_.begin(), pings_.end(), payload);
  if (found == pings_.end()) return false;
  pings_.erase(pings_.begin(), found + 1);
  return true;
}

void Link::ping(const std::string& payload) {
  {
    const std::scoped_lock lock(mutex_);
    pings_.push_back(payload);
  }
  send_frame(WsOpcode::ping, payload);
}

void Link::run() {
  if (options_.tls) wire_.start_tls_server(*options_.tls);
  bool alive = true;
  while (alive && !stopping_) {
    alive = read_some();
    if (alive) ping_when_due();
    if (alive) alive = write_some();
    if (alive) wait_for_work();
  }
  {
    const std::scoped_lock lock(mutex_);
    gone_ = true;
    queue_.clear();
    queued_bytes_ = 0;
  }
  owner_.on_gone(*this);
  drain();
  wire_.close();
  finished_ = true;
}

// Closing with unread input would turn the FIN into a reset, and a reset can destroy what the peer has not read yet.
void Link::drain() {
  const SteadyTime deadline = std::chrono::steady_clock::now() + Milliseconds(2000);
  std::array<char, 16384> buffer;
  while (wire_.open() && !stopping_ && std::chrono::steady_clock::now() < deadline) {
    const Wire::Result result = wire_.read(buffer.data(), buffer.size());
    if (result.state == Wire::State::ok) continue;
    if (result.state != Wire::State::would_block) return;
    std::array<pollfd, 2> fds{{{wire_.fd(), POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
    poll(fds.data(), fds.size(), static_cast<int>(time_left(deadline).count()));
  }
}

bool Link::read_some() {
  std::array<char, 16384> buffer;
  while (true) {
    const Wire::Result result = wire_.read(buffer.data(), buffer.size());
    if (result.state == Wire::State::would_block) return true;
    if (result.state != Wire::State::ok) return false;
    input_.append(buffer.data(), result.count);
    take_input();
  }
}

void Link::take_input() {
  while (!upgraded_) {
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const auto head = parse_http_head(std::string_view(input_).substr(0, end + 4));
    input_.erase(0, end + 4);
    const auto words = head ? split_at(head->first_line, ' ') : std::vector<std::string>();
    if (words.size() < 2) {
      send(reply_text({.status = 400}), {}, After::finish);
      return;
    }
    answer({words[1], *head});
  }
  frames_.feed(input_);
  input_.clear();
  while (const auto frame = frames_.next()) {
    if (!silent_) owner_.on_frame(*this, *frame);
  }
}

void Link::answer(const HttpRequest& request) {
  if (lower_case(request.head.header("upgrade")) == "websocket") {
    if (const auto refusal = owner_.on_upgrade(*this, request)) {
      send(reply_text(*refusal), {}, After::finish);
      return;
    }
    send(switching_text(request));
    upgraded_ = true;
    next_ping_ = std::chrono::steady_clock::now() + options_.ping_every;
    owner_.on_open(*this);
    return;
  }
  const LinkOwner::TimedReply timed = owner_.on_request(request);
  const bool last =
      lower_case(request.head.header("connection")) == "close" || timed.reply.cut_after < timed.reply.body.size();
  send(reply_text(timed.reply), timed.delay, last ? After::finish : After::go_on);
}

std::size_t Link::piece_size(std::size_t left) {
  if (options_.split_seed == 0) return left;
  // Inside headers, inside frames, and across many of them.
  static constexpr std::array<std::size_t, 3> longest{16, 700, 8000};
  const std::uint64_t draw = random_();
  return std::min(left, 1 + (draw >> 8) % longest[draw % longest.size()]);
}

bool Link::write_some() {
  while (true) {
    Item item;
    std::size_t sent = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (queue_.empty() || queue_.front().not_before > std::chrono::steady_clock::now()) return true;
      item = queue_.front();
      sent = head_sent_;
    }
    const std::string_view left = std::string_view(*item.bytes).substr(sent);
    const Wire::Result result = wire_.write(left.substr(0, piece_size(left.size())));
    if (result.state == Wire::State::would_block) return true;
    if (result.state != Wire::State::ok) return false;
    // Give the reader a chance to see this piece alone.
    if (options_.split_seed != 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
    last_sent_ = std::chrono::steady_clock::now().time_since_epoch().count();
    {
      const std::scoped_lock lock(mutex_);
      head_sent_ += result.count;
      queued_bytes_ -= result.count;
      if (head_sent_ < item.bytes->size()) continue;
      queue_.pop_front();
      head_sent_ = 0;
    }
    owner_.on_room();
    if (item.after == After::reset) wire_.reset();
    if (item.after == After::finish) wire_.finish();
    if (item.after != After::go_on) return false;
  }
}

void Link::wait_for_work() {
  auto until = std::chrono::steady_clock::now() + Milliseconds(60'000);
  bool blocked = false;
  {
    const std::scoped_lock lock(mutex_);
    if (!queue_.empty()) {
      blocked = queue_.front().not_before <= std::chrono::steady_clock::now();
      if (!blocked) until = std::min(until, queue_.front().not_before);
    }
  }
  if (upgraded_ && options_.ping_every.count() > 0) until = std::min(until, next_ping_);
  std::array<pollfd, 2> fds{{{wire_.fd(), POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
  if (blocked || wire_.wants_write()) fds[0].events |= POLLOUT;
  poll(fds.data(), fds.size(), static_cast<int>(time_left(until).count()));
  std::uint64_t count = 0;
  const ssize_t ignored = ::read(wake_fd_, &count, sizeof(count));
  static_cast<void>(ignored);
}

void Link::ping_when_due() {
  const auto now = std::chrono::steady_clock::now();
  if (!upgraded_ || options_.ping_every.count() == 0 || now < next_ping_) return;
  next_ping_ = now + options_.ping_every;
  const auto clock = std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  ping(std::to_string(clock.count()));
}

}  // namespace bixws::test
