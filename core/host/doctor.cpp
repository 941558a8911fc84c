// SPDX-License-Identifier: Apache-2.0
// Doctor: the checks.
#include "host/doctor.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/timex.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>

#include "host/spec.h"
#include "net/connector.h"
#include "net/fetch.h"
#include "net/listener.h"
#include "net/tls.h"

namespace bixws::host {
namespace {

constexpr std::uint64_t kOwnFiles = 100;  // descriptors besides those of clients
constexpr int kDaysToRenew = 14;

std::string plural(std::uint64_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

/// Days until the certificate ends; negative: it has.
bool days_left(const std::string& file, int& days) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "re"), &std::fclose);
  if (in == nullptr) return false;
  const std::unique_ptr<X509, void (*)(X509*)> certificate(PEM_read_X509(in.get(), nullptr, nullptr, nullptr),
                                                           &X509_free);
  int seconds = 0;
  return certificate != nullptr && ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) == 1;
}

struct Endpoint {
  std::string feed, text;
  net::Url url;
};

/// The addresses that feeds bring along, or what the patient's spec puts in their place.
std::vector<Endpoint> endpoints_of(const Patient& patient, const std::vector<PluginListing>& plugins) {
  std::map<std::string, Spec> given;
  for (const std::string& text : patient.feeds) {
    const Spec spec = parse_spec(text);
    given.emplace(spec.name, spec);
  }
  std::vector<Endpoint> endpoints;
  for (const PluginListing& plugin : plugins) {
    if (plugin.kind != "feed" || !plugin.problem.empty() || !plugin.shadowed_by.empty()) continue;
    for (const OptionRow& option : plugin.facts.options) {
      if (option.name != "url" && option.name != "rest") continue;
      std::string address = option.fallback.value_or("");
      if (const auto spec = given.find(plugin.name); spec != given.end()) {
        for (const auto& [key, value] : spec->second.values) {
          if (key == option.name) address = value;
        }
      }
      if (address.empty()) continue;
      try {
        endpoints.push_back({plugin.name, address, net::parse_url(address)});
      } catch (const std::runtime_error&) {
        // An option of this name that is no address: nothing to connect to.
      }
    }
  }
  return endpoints;
}

std::string remedy_of(const net::NetFailure& failure) {
  switch (failure.stage) {
    case net::Stage::dns:
      return "no internet, or no name server: try getent hosts with the name; behind a proxy set HTTPS_PROXY";
    case net::Stage::connect:
      return "a firewall may be in between; behind a proxy set HTTPS_PROXY";
    case net::Stage::proxy:
      return "look at HTTPS_PROXY and NO_PROXY";
    case net::Stage::tls:
      return "is the clock right, is ca-certificates installed, does somebody look into TLS here?";
    case net::Stage::http:
    case net::Stage::protocol:
      return "put an endpoint that answers into url= or rest= of the feed";
  }
  return {};
}

/// All at once on one loop: an offline machine shall not be asked for minutes.
struct Attempt {
  Attempt(net::Loop& loop, const net::ConnectOptions& options) : connector(loop, options) {}
  net::Connector connector;
  std::unique_ptr<net::Connection> connection;
  net::NetFailure failure;
  net::Duration took{};
};

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::good:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::warning:
      return "warning";
    case Verdict::problem:
      return "problem";
  }
  return "note";
}

Diagnosis check_port(const Patient& patient) {
  const std::string where = patient.host + ":" + std::to_string(patient.port);
  try {
    net::Loop loop;
    net::Listener listener(loop, {.host = patient.host, .port = patient.port},
                           [](int fd, const net::Address&) { ::close(fd); });
    return {"port", Verdict::good, where + " can be had", {}};
  } catch (const std::exception& e) {
    net::Url url{"http", {}, patient.host, patient.port, "/healthz"};
    net::HttpClientOptions options;
    options.timeout = std::chrono::seconds(2);
    const net::HttpReply reply = net::fetch(url, options);
    if (!reply.failure && reply.body.find("\"reasons\"") != std::string::npos) {
      return {"port", Verdict::note, where + ": a bixws is running there already", "bixws top shows how it is"};
    }
    return {"port", Verdict::problem, e.what(), "--port 0 takes any free one"};
  }
}

Diagnosis check_server(const std::string& text) {
  net::Url url = net::parse_url(text);
  if (url.scheme == "ws") url.scheme = "http";
  if (url.scheme == "wss") url.scheme = "https";
  while (url.target.ends_with('/')) url.target.pop_back();
  url.target += "/healthz";
  net::HttpClientOptions options;
  options.timeout = std::chrono::seconds(5);
  const net::HttpReply reply = net::fetch(url, options);
  if (reply.failure) return {"server", Verdict::problem, reply.failure->text, "is a bixws running there?"};
  if (reply.body.find("\"reasons\"") == std::string::npos) {
    return {"server", Verdict::problem, text + " answers, but is no bixws", "look at its port"};
  }
  if (reply.status == 200) return {"server", Verdict::good, text + " is well", {}};
  return {"server", Verdict::warning, text + " is not well: " + reply.body, "bixws top shows more"};
}

Diagnosis check_files(const Patient& patient) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::uint64_t wanted = patient.max_clients + kOwnFiles;
  if (limit.rlim_max >= wanted) {
    return {"files",
            Verdict::good,
            plural(limit.rlim_max, "open file") + " allowed, enough for " + plural(patient.max_clients, "client"),
            {}};
  }
  return {"files", Verdict::warning,
          "only " + plural(limit.rlim_max, "open file") + " allowed: the server can hold about " +
              plural(limit.rlim_max > kOwnFiles ? limit.rlim_max - kOwnFiles : 0, "client") + " of the " +
              std::to_string(patient.max_clients) + " it may have",
          "raise it (ulimit -Hn, LimitNOFILE= of the systemd unit), or lower --max-clients"};
}

Diagnosis check_clock() {
  timex state{};
  const int result = ::adjtimex(&state);
  if (result < 0) return {"clock", Verdict::note, "the kernel does not tell whether the clock is disciplined", {}};
  if (result == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
    return {"clock", Verdict::warning, "the clock is not synchronised: lags and receive times may be off",
            "run chrony or systemd-timesyncd; in a container the host does it"};
  }
  return {"clock", Verdict::good, "synchronised, off by at most " + std::to_string(state.maxerror / 1000) + " ms", {}};
}

std::vector<Diagnosis> check_certificates(const Patient& patient) {
  std::vector<Diagnosis> found;
  try {
    const net::TlsClientContext system;
    found.push_back({"authorities", Verdict::good, "the system's certificate authorities can be read", {}});
  } catch (const std::exception& e) {
    found.push_back({"authorities", Verdict::problem, e.what(), "install ca-certificates"});
  }
  if (patient.tls_cert.empty() && patient.tls_key.empty()) return found;
  try {
    const net::TlsServerContext context(patient.tls_cert, patient.tls_key);
    int days = 0;
    if (!days_left(patient.tls_cert, days)) {
      found.push_back({"certificate", Verdict::problem, patient.tls_cert + ": its end cannot be read", {}});
    } else if (days < 0) {
      found.push_back({"certificate", Verdict::problem, patient.tls_cert + " has expired", "renew it, then SIGHUP"});
    } else {
      found.push_back({"certificate", days < kDaysToRenew ? Verdict::warning : Verdict::good,
                       patient.tls_cert + " and its key fit together; valid for " +
                           plural(static_cast<std::uint64_t>(days), "more day"),
                       days < kDaysToRenew ? "renew it, then SIGHUP" : ""});
    }
  } catch (const std::exception& e) {
    found.push_back(
        {"certificate", Verdict::problem, e.what(), "--tls-cert is the chain, --tls-key its key, both PEM"});
  }
  return found;
}

std::vector<Diagnosis> check_plugins(const std::vector<PluginListing>& plugins) {
  std::vector<Diagnosis> found;
  std::uint64_t good = 0;
  std::string names;
  for (const PluginListing& plugin : plugins) {
    if (!plugin.problem.empty()) {
      found.push_back({"plugins", Verdict::warning, plugin.path + " " + plugin.problem, "build it anew, or remove it"});
    } else if (!plugin.shadowed_by.empty()) {
      found.push_back(
          {"plugins", Verdict::note, plugin.path + " is not used: " + plugin.shadowed_by + " is found first", {}});
    } else {
      ++good;
      names += (names.empty() ? "" : ", ") + plugin.kind + " " + plugin.name;
    }
  }
  if (good == 0) {
    found.push_back(
        {"plugins", Verdict::problem, "no plugin is found", "is bixws installed whole? See bixws plugins list"});
  } else {
    found.insert(found.begin(), {"plugins", Verdict::good, plural(good, "plugin") + ": " + names, {}});
  }
  return found;
}

std::vector<Diagnosis> check_exchanges(const Patient& patient, const std::vector<PluginListing>& plugins) {
  const std::vector<Endpoint> endpoints = endpoints_of(patient, plugins);
  net::ConnectOptions options;
  options.dns_timeout = options.connect_timeout = options.tls_timeout = std::chrono::seconds(4);
  net::Loop loop;
  std::vector<std::unique_ptr<Attempt>> attempts;
  std::size_t waiting = endpoints.size();
  const net::Instant begin = loop.now();
  for (const Endpoint& endpoint : endpoints) {
    attempts.push_back(std::make_unique<Attempt>(loop, options));
    Attempt& attempt = *attempts.back();
    attempt.connector.start(endpoint.url,
                            [&, begin](std::unique_ptr<net::Connection> connection, const net::NetFailure& failure) {
                              attempt.connection = std::move(connection);
                              attempt.failure = failure;
                              attempt.took = loop.now() - begin;
                              if (--waiting == 0) loop.stop();
                            });
  }
  if (waiting > 0) loop.run();
  std::vector<Diagnosis> found;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Attempt& attempt = *attempts[i];
    const std::string check = "exchange " + endpoints[i].feed;
    if (attempt.connection) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(attempt.took).count();
      found.push_back(
          {check, Verdict::good, endpoints[i].url.text() + " answers in " + std::to_string(ms) + " ms", {}});
    } else {
      found.push_back({check, Verdict::warning, attempt.failure.text, remedy_of(attempt.failure)});
    }
  }
  return found;
}

}  // namespace bixws::host
