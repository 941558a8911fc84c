// SPDX-License-Identifier: Apache-2.0
// doctor: is this machine fit for what is configured?
#include "host/doctor.h"

#include <algorithm>

#include "flags.h"
#include "model/text_buffer.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::Diagnosis;
using host::Verdict;

host::Patient patient_of(const host::Values& values) {
  host::Patient patient;
  patient.host = values.text("host");
  patient.port = static_cast<std::uint16_t>(values.integer("port"));
  patient.max_clients = static_cast<std::uint64_t>(values.integer("max-clients"));
  patient.tls_cert = values.text("tls-cert");
  patient.tls_key = values.text("tls-key");
  patient.feeds = values.list("feed");
  return patient;
}

std::string json_of(const std::vector<Diagnosis>& all) {
  TextBuffer out;
  out.raw('[');
  for (const Diagnosis& one : all) {
    if (out.view().back() != '[') out.raw(',');
    out.raw("\n{\"check\":");
    out.quoted(one.check);
    out.raw(",\"verdict\":");
    out.quoted(name_of(one.verdict));
    out.raw(",\"finding\":");
    out.quoted(one.finding);
    if (!one.remedy.empty()) {
      out.raw(",\"remedy\":");
      out.quoted(one.remedy);
    }
    out.raw('}');
  }
  out.raw("\n]\n");
  return out.str();
}

std::string text_of(const std::vector<Diagnosis>& all) {
  std::string text;
  for (const Diagnosis& one : all) {
    std::string verdict(name_of(one.verdict));
    verdict.resize(9, ' ');
    text += verdict + one.check + ": " + one.finding + "\n";
    if (!one.remedy.empty()) text += "         -> " + one.remedy + "\n";
  }
  return text;
}

int doctor(const Call& call) {
  const host::Patient patient = patient_of(call.values);
  const auto plugins = open_registry(call).list();  // before there are threads
  std::vector<Diagnosis> all{check_port(patient), host::check_files(patient), host::check_clock()};
  for (auto& part : {host::check_certificates(patient), host::check_plugins(plugins),
                     call.values.on("offline") ? std::vector<Diagnosis>() : host::check_exchanges(patient, plugins)}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  if (call.values.has("url")) all.push_back(host::check_server(call.values.text("url")));
  const int printed = print(call.values.on("json") ? json_of(all) : text_of(all));
  const bool fit =
      std::none_of(all.begin(), all.end(), [](const Diagnosis& d) { return d.verdict == Verdict::problem; });
  return fit ? printed : 1;
}

}  // namespace

Verb doctor_verb() {
  Verb verb{.name = "doctor",
            .summary = "look this machine over: port, limits, clock, certificates, exchanges, plugins",
            .about =
                "Each finding with what to do about it. Exit code 1 if serve as configured would fail; warnings, as an "
                "exchange that cannot be reached, are 0. Nothing is sent to exchanges, they are only connected to.",
            .flags = {feed_flag(),
                      {.name = "url",
                       .value = "URL",
                       .help = "look at this running server too, as ws://localhost:8765",
                       .configurable = false},
                      {.name = "offline",
                       .type = host::FlagType::boolean,
                       .help = "do not try to reach exchanges",
                       .configurable = false},
                      json_flag()},
            .examples =
                "  # before the first start\n"
                "  bixws doctor\n"
                "  # what is wrong, for a script\n"
                "  bixws doctor --json | jq '.[] | select(.verdict == \"problem\")'\n",
            .run = doctor};
  for (host::Flag& flag : server_flags()) {
    if (flag.name == "host" || flag.name == "port" || flag.name == "max-clients" || flag.name.starts_with("tls-")) {
      verb.flags.push_back(std::move(flag));
    }
  }
  return verb;
}

}  // namespace bixws::cli
