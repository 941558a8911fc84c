// SPDX-License-Identifier: Apache-2.0
// fanout_load: load generator and verifier of bench/fanout. One JSON object on stdout; exit 0 if all was as it should
// be, 1 if not, 2 for a wrong call. Loopback only, and it ends by itself.
#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "process.h"
#include "siege.h"
#include "swarm.h"

namespace {

using namespace bixws::bench;

constexpr const char* kUsage =
    "usage: fanout_load [options] PORT\n"
    "  --clients N      connections                        --subscribe TEXT  sent by each once all are connected\n"
    "  --warmup S       before the window                  --seconds S       length of the window\n"
    "  --idle           no data is expected                --tls             wss, any certificate\n"
    "  --server PID     whose CPU and memory are read      --parallel N      handshakes at a time\n"
    "  --stalled N      clients that stop reading          --stall-after S   so long after the window began\n"
    "  --siege          instead: 500 half-open and 200 trickling connections, and one client at a time\n";

struct Call {
  SwarmOptions swarm;
  SiegeOptions siege;
  bool besieges = false;
};

[[noreturn]] void refuse(const std::string& text) {
  std::cerr << "fanout_load: " << text << "\n" << kUsage;
  std::exit(2);
}

double number(const char* name, const char* text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least && value <= most)) {
    refuse(std::string("--") + name + " must be a number from " + std::to_string(least) + " to " +
           std::to_string(most) + ", not " + text);
  }
  return value;
}

Call read_call(int argc, char** argv) {
  enum : int { clients = 1, subscribe, warmup, seconds, idle, tls, server, parallel, stalled, stall_after, siege };
  static const option known[] = {{"clients", required_argument, nullptr, clients},
                                 {"subscribe", required_argument, nullptr, subscribe},
                                 {"warmup", required_argument, nullptr, warmup},
                                 {"seconds", required_argument, nullptr, seconds},
                                 {"idle", no_argument, nullptr, idle},
                                 {"tls", no_argument, nullptr, tls},
                                 {"server", required_argument, nullptr, server},
                                 {"parallel", required_argument, nullptr, parallel},
                                 {"stalled", required_argument, nullptr, stalled},
                                 {"stall-after", required_argument, nullptr, stall_after},
                                 {"siege", no_argument, nullptr, siege},
                                 {}};
  Call call;
  int at = 0;
  for (int which = 0; (which = ::getopt_long(argc, argv, "", known, &at)) != -1;) {
    const char* const name = which == '?' ? "" : known[at].name;
    switch (which) {
      case clients:
        call.swarm.clients = static_cast<int>(number(name, optarg, 1, 100000));
        break;
      case subscribe:
        call.swarm.subscribe = optarg;
        break;
      case warmup:
        call.swarm.warmup = number(name, optarg, 0, 60);
        break;
      case seconds:
        call.swarm.seconds = call.siege.seconds = number(name, optarg, 0, 3600);
        break;
      case idle:
        call.swarm.expects_data = false;
        break;
      case tls:
        call.swarm.target.tls = make_tls();
        if (call.swarm.target.tls == nullptr) refuse("OpenSSL does not work here");
        break;
      case server:
        call.swarm.server = static_cast<pid_t>(number(name, optarg, 1, 1e9));
        break;
      case parallel:
        call.swarm.parallel = static_cast<int>(number(name, optarg, 1, 4096));
        break;
      case stalled:
        call.swarm.stalled = static_cast<int>(number(name, optarg, 0, 100000));
        break;
      case stall_after:
        call.swarm.stall_after = number(name, optarg, 0, 3600);
        break;
      case siege:
        call.besieges = true;
        break;
      default:
        refuse("an option it does not know");
    }
  }
  if (optind + 1 != argc) refuse("exactly one PORT is needed");
  if (call.swarm.stalled >= call.swarm.clients) refuse("--stalled must leave some that read");
  sockaddr_in& address = call.swarm.target.address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(number("PORT", argv[optind], 1, 65535)));
  call.siege.target = call.swarm.target;
  return call;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

std::string json(const Histogram& histogram) {
  std::ostringstream out;
  out << "{\"count\":" << histogram.count() << ",\"p50\":" << histogram.quantile(0.5)
      << ",\"p99\":" << histogram.quantile(0.99) << ",\"p999\":" << histogram.quantile(0.999)
      << ",\"max\":" << histogram.largest() << "}";
  return out.str();
}

std::string json(const std::map<std::string, int>& counts) {
  std::string out = "{";
  for (const auto& [name, count] : counts) {
    if (out.size() > 1) out += ',';
    out += quoted(name) + ":" + std::to_string(count);
  }
  return out + "}";
}

int report(const SwarmReport& run, const SwarmOptions& options) {
  const double window = run.end.at - run.begin.at;
  const double server = run.end.cpu - run.begin.cpu;
  const double own = run.end.own_cpu - run.begin.own_cpu;
  const auto messages = static_cast<double>(run.tally.messages);
  std::ostringstream out;
  out.precision(9);
  out << "{\"clients\":" << options.clients << ",\"connected\":" << run.connected
      << ",\"handshakes_per_s\":" << (run.connect_time > 0 ? run.connected / run.connect_time : 0)
      << ",\"handshake_us\":" << json(run.handshake) << ",\"window_s\":" << window
      << ",\"messages\":" << run.tally.messages << ",\"bytes\":" << run.tally.bytes
      << ",\"per_s\":" << (window > 0 ? messages / window : 0) << ",\"fewest\":" << run.fewest
      << ",\"most\":" << run.most << ",\"checked\":" << run.tally.checked << ",\"holes\":" << run.tally.holes
      << ",\"gaps\":" << run.tally.gaps << ",\"others\":" << run.tally.others
      << ",\"latency_us\":" << json(run.tally.latency)
      << ",\"messages_per_recv\":" << (run.receives > 0 ? messages / static_cast<double>(run.receives) : 0)
      << ",\"load_cpu_share\":" << (window > 0 ? own / window : 0) << ",\"server_cpu_s\":" << server
      << ",\"server_cpu_share\":" << (window > 0 ? server / window : 0)
      << ",\"cpu_us_per_message\":" << (messages > 0 ? server * 1e6 / messages : 0)
      << ",\"kib_per_client\":" << static_cast<double>(run.idle.resident - run.before.resident) / options.clients
      << ",\"resident_kib\":{\"before\":" << run.before.resident << ",\"begin\":" << run.begin.resident
      << ",\"end\":" << run.end.resident << ",\"peak\":" << run.peak_resident
      << "},\"tcp_kib\":{\"begin\":" << run.begin.tcp << ",\"peak\":" << run.peak_tcp
      << "},\"other_cpu\":" << (window > 0 ? (run.end.machine_cpu - run.begin.machine_cpu - server - own) / window : 0);
  if (options.stalled > 0) {
    const double before = run.stall.at - run.begin.at;
    const double after = run.end.at - run.stall.at;
    const auto rate = [](std::uint64_t count, double time, int clients) {
      return time > 0 ? static_cast<double>(count) / time / clients : 0;
    };
    const double rate_before = rate(run.stall.messages, before, options.clients);
    const double rate_after = rate(run.end.messages - run.stall.messages, after, options.clients - options.stalled);
    out << ",\"stalled\":" << json(run.stalled) << ",\"others_rate_before\":" << rate_before
        << ",\"others_rate_after\":" << rate_after << ",\"others_after_us\":" << json(run.stalled_latency);
  }
  out << ",\"lost\":" << json(run.lost) << ",\"complaint\":" << quoted(run.complaint) << "}\n";
  std::cout << out.str();
  return run.complaint.empty() ? 0 : 1;
}

int report(const SiegeReport& run) {
  std::cout << "{\"served_us\":" << json(run.served) << ",\"cut\":" << run.cut << ",\"present\":" << run.present
            << ",\"complaint\":" << quoted(run.complaint) << "}\n";
  return run.complaint.empty() && run.served.count() > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Call call = read_call(argc, argv);
  if (!raise_file_limit(static_cast<std::uint64_t>(call.swarm.clients) + 1024)) {
    std::cerr << "fanout_load: not enough open files are allowed (ulimit -n)\n";
    return 1;
  }
  try {
    return call.besieges ? report(run_siege(call.siege)) : report(run_swarm(call.swarm), call.swarm);
  } catch (const std::exception& error) {
    std::cerr << "fanout_load: " << error.what() << "\n";
    return 1;
  }
}
