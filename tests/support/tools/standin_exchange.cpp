// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange as a program, for tests in other languages, demonstrations and benches. It obeys commands on
// its stdin (standin_commands.h) and ends with SIGINT or SIGTERM.
#include "support/standin_exchange.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/standin_commands.h"

namespace {

using namespace bixws::test;

constexpr const char* usage = R"(usage: standin_exchange --venue NAME --capture FILE [options]

  --venue NAME          binance, bitstamp, bybit, coinbase, kraken or okx
  --capture FILE        a cryptofeed dump, .cbcap or .ndjson; looked for in captures/ of BIXWS_SHARED too
  --port N              0: any free one (default)
  --speed X|max         1: as recorded; default max
  --rate N              frames a second instead of the recorded times
  --at-end stay|close|loop, --loop
  --hold                play nothing until told to
  --run-on              play on while nobody listens
  --connections N       wait for so many subscribed connections before the first frame
  --symbols N           ... and so many symbols
  --rename ID=BASE,QUOTE
  --split SEED          TCP stream in random small pieces
  --ping MS             protocol pings
  --no-pulse            no heartbeats of its own
  --delays MS,MS,...    of the first, second, ... connection
  --messages-per-second N  clients that send more are disconnected
  --tls FILE            TLS; the certificate to trust is written to FILE
  --by-channel          Binance: only the channels subscribed to
  --today               OKX: checksum 0 and prevSeqId, as since 2026-06
  --fault "KIND ..."    as on stdin; repeatable
  --drops EVERY,SEED[,LOSE]  random connection losses
)";

struct Arguments {
  StandinOptions options;
  std::string capture;
  std::string certificate_file;
  std::vector<std::uint64_t> drops;
};

std::vector<std::uint64_t> numbers(const std::string& text) {
  std::vector<std::uint64_t> out;
  for (const auto& part : split_at(text, ',')) out.push_back(std::stoull(part));
  return out;
}

void read_rename(const std::string& text, StandinOptions& options) {
  const std::size_t equals = text.find('=');
  const auto coins = split_at(text.substr(equals + 1), ',');
  if (equals == std::string::npos || coins.size() != 2) throw std::runtime_error("--rename wants ID=BASE,QUOTE");
  options.rename[text.substr(0, equals)] = {coins[0], coins[1]};
}

// False when the flag takes no value and was one of ours.
bool read_switch(const std::string& flag, StandinOptions& options) {
  if (flag == "--loop") {
    options.at_end = StandinOptions::AtEnd::loop;
  } else if (flag == "--hold") {
    options.hold = true;
  } else if (flag == "--run-on") {
    options.run_on = true;
  } else if (flag == "--no-pulse") {
    options.pulse = false;
  } else if (flag == "--by-channel") {
    options.dialect.whole_symbol = false;
  } else if (flag == "--today") {
    options.dialect.today = true;
  } else {
    return false;
  }
  return true;
}

void read_option(const std::string& flag, const std::string& value, Arguments& arguments) {
  StandinOptions& options = arguments.options;
  if (flag == "--venue") {
    options.venue = value;
  } else if (flag == "--capture") {
    arguments.capture = value;
  } else if (flag == "--port") {
    options.port = static_cast<std::uint16_t>(std::stoul(value));
  } else if (flag == "--speed") {
    options.speed = value == "max" ? full_speed : std::stod(value);
  } else if (flag == "--rate") {
    options.rate = std::stod(value);
  } else if (flag == "--at-end") {
    options.at_end = value == "loop"    ? StandinOptions::AtEnd::loop
                     : value == "close" ? StandinOptions::AtEnd::close
                                        : StandinOptions::AtEnd::stay;
  } else if (flag == "--connections") {
    options.start_connections = std::stoul(value);
  } else if (flag == "--symbols") {
    options.start_symbols = std::stoul(value);
  } else if (flag == "--rename") {
    read_rename(value, options);
  } else if (flag == "--split") {
    options.split_seed = std::stoull(value);
  } else if (flag == "--ping") {
    options.ping_every = Milliseconds(std::stol(value));
  } else if (flag == "--delays") {
    for (const auto ms : numbers(value)) options.connection_delays.emplace_back(ms);
  } else if (flag == "--messages-per-second") {
    options.messages_per_second = std::stoul(value);
  } else if (flag == "--tls") {
    options.tls = CertificateKind::good;
    arguments.certificate_file = value;
  } else if (flag == "--fault") {
    options.faults.push_back(parse_fault(value));
  } else if (flag == "--drops") {
    arguments.drops = numbers(value);
  } else {
    throw std::runtime_error("unknown option " + flag);
  }
}

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (read_switch(flag, arguments.options)) continue;
    if (i + 1 == argc) throw std::runtime_error(flag + " needs a value");
    read_option(flag, argv[++i], arguments);
  }
  if (arguments.capture.empty()) throw std::runtime_error("--capture is needed");
  return arguments;
}

Capture find_capture(const std::string& name) {
  if (std::filesystem::exists(name)) return read_capture(name);
  return read_capture(capture_path(name));
}

void obey_until_signalled(StandinExchange& exchange) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
  std::string typed;
  std::array<pollfd, 2> fds{{{signal_fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (true) {
    poll(fds.data(), fds.size(), -1);
    if (fds[0].revents) break;
    std::array<char, 4096> buffer;
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count <= 0) {
      fds[1].fd = -1;  // no more commands, but it plays on
      continue;
    }
    typed.append(buffer.data(), static_cast<std::size_t>(count));
    for (std::size_t end = typed.find('\n'); end != std::string::npos; end = typed.find('\n')) {
      const std::string line = typed.substr(0, end);
      typed.erase(0, end + 1);
      if (line == "quit") return;
      if (!line.empty()) std::cout << run_command(exchange, line) << std::endl;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::cout << usage;
    return 0;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // Before any thread starts, so that all of them leave the signals to signalfd.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  try {
    Arguments arguments = read_arguments(argc, argv);
    Capture capture = find_capture(arguments.capture);
    const auto& drops = arguments.drops;
    if (drops.size() >= 2) {
      const std::uint64_t lose = drops.size() > 2 ? drops[2] : 0;
      for (const auto& fault : random_drops(drops[0], capture.frames.size(), drops[1], lose)) {
        arguments.options.faults.push_back(fault);
      }
    }
    StandinExchange exchange(std::move(capture), arguments.options);
    if (!arguments.certificate_file.empty()) std::ofstream(arguments.certificate_file) << exchange.certificate_pem();
    std::cout << "listening on " << exchange.ws_url() << "\nrest on " << exchange.rest_url() << std::endl;
    obey_until_signalled(exchange);
  } catch (const std::exception& error) {
    std::cerr << "standin_exchange: " << error.what() << "\n" << usage;
    return 2;
  }
  return 0;
}
