// SPDX-License-Identifier: Apache-2.0
// Doctor: is this machine fit for bixws? Each answer with what was found and what to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/registry.h"

namespace bixws::host {

enum class Verdict : std::uint8_t {
  good,
  note,     ///< cannot be told, or does not matter now
  warning,  ///< something will not work, or not well
  problem,  ///< `serve` as configured would fail
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

struct Diagnosis {
  std::string check;  ///< "port", "files", "clock", "certificate", "exchange binance", "plugins"
  Verdict verdict = Verdict::good;
  std::string finding;
  std::string remedy;  ///< empty if there is nothing to do
};

/// What would be run.
struct Patient {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;
  std::uint64_t max_clients = 20'000;
  std::string tls_cert, tls_key;
  std::vector<std::string> feeds;  ///< specs; the endpoints they replace are looked at instead of the defaults
};

/// Can the port be had? Another bixws on it is told from another program.
[[nodiscard]] Diagnosis check_port(const Patient& patient);
/// A server that is meant to be running: is it there, and well? `url`: ws://, wss://, http:// or https://.
[[nodiscard]] Diagnosis check_server(const std::string& url);
/// Descriptors for as many clients.
[[nodiscard]] Diagnosis check_files(const Patient& patient);
/// Is the clock disciplined? Receive times are only as good as it.
[[nodiscard]] Diagnosis check_clock();
/// The server's own certificate, if it has one, and the system's authorities.
[[nodiscard]] std::vector<Diagnosis> check_certificates(const Patient& patient);
[[nodiscard]] std::vector<Diagnosis> check_plugins(const std::vector<PluginListing>& plugins);
/// A connection, with TLS, to each endpoint of each feed, all at once. Nothing is sent.
[[nodiscard]] std::vector<Diagnosis> check_exchanges(const Patient& patient, const std::vector<PluginListing>& plugins);

}  // namespace bixws::host
