// SPDX-License-Identifier: Apache-2.0
// sessions list, info, verify: what a recording holds, and the proof that it is whole.
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "flags.h"
#include "host/signals.h"
#include "model/config_error.h"
#include "model/text_buffer.h"
#include "model/time_text.h"
#include "output.h"
#include "progress.h"
#include "recording/summary.h"
#include "recording/verify.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using recording::Recording;
using recording::SessionReport;
using recording::SessionRow;
using recording::Summary;

constexpr int kDamaged = 3;

host::Flag session_flag(const std::string& without) {
  return {.name = "session",
          .type = host::FlagType::integer,
          .value = "ID",
          .help = "the session with this number [default: " + without + "]",
          .least = 1,
          .configurable = false};
}

std::int64_t session_of(const Call& call) { return call.values.has("session") ? call.values.integer("session") : 0; }

std::string span_of(const SessionRow& row) {
  // To the second: what a person compares with a clock.
  return format_duration((row.ended_ts - row.started_ts) / 1'000'000 * 1'000'000);
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

void json_of(TextBuffer& out, const SessionRow& row) {
  out.raw("{\"session_id\":");
  out.integer(row.id);
  out.raw(",\"started_ts\":");
  out.integer(row.started_ts);
  out.raw(",\"ended_ts\":");
  out.integer(row.ended_ts);
  out.raw(row.clean ? ",\"clean\":true" : ",\"clean\":false");
  for (const auto& [name, text] :
       {std::pair{"feeds", &row.feeds}, std::pair{"symbols", &row.symbols}, std::pair{"version", &row.version}}) {
    out.raw(",\"");
    out.raw(name);
    out.raw("\":");
    out.quoted(*text);
  }
  out.raw(",\"events\":");
  out.integer(row.events);
}

int list(const Call& call) {
  Recording recording(call.values.text("file"));
  auto sessions = recording.sessions();
  if (const std::int64_t only = session_of(call); only != 0) {
    std::erase_if(sessions, [only](const SessionRow& row) { return row.id != only; });
    if (sessions.empty()) {
      throw ConfigError(call.values.text("file") + ": there is no session " + std::to_string(only));
    }
  }
  if (call.values.on("json")) {
    TextBuffer out;
    out.raw("{\"sessions\":[");
    for (const SessionRow& row : sessions) {
      if (out.view().back() != '[') out.raw(',');
      json_of(out, row);
      out.raw('}');
    }
    out.raw("]}\n");
    return print(out.str());
  }
  std::vector<std::vector<std::string>> rows{{"SESSION", "STARTED", "LASTS", "EVENTS", "CLEAN", "FEEDS", "SYMBOLS"}};
  for (const SessionRow& row : sessions) {
    rows.push_back({std::to_string(row.id), format_rfc3339(row.started_ts), span_of(row), std::to_string(row.events),
                    row.clean ? "yes" : "no", row.feeds, row.symbols});
  }
  return print(table(rows));
}

std::uint64_t size_of_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

double rate_of(const Summary& summary) {
  const auto span = static_cast<double>(summary.session.ended_ts - summary.session.started_ts) / 1e6;
  return span > 0 ? static_cast<double>(summary.session.events) / span : 0;
}

int info_json(const Summary& summary, std::uint64_t file_bytes) {
  TextBuffer out;
  json_of(out, summary.session);
  out.raw(",\"rate\":");
  out.raw(fixed(rate_of(summary), 3));
  out.raw(",\"coverage\":");
  out.raw(fixed(summary.coverage, 6));
  out.raw(",\"gaps\":");
  out.integer(summary.gaps);
  out.raw(",\"longest_gap_us\":");
  out.integer(summary.longest_gap);
  out.raw(",\"chunk_bytes\":");
  out.integer(summary.chunk_bytes);
  out.raw(",\"file_bytes\":");
  out.integer(file_bytes);
  out.raw(",\"keyframes\":");
  out.integer(summary.keyframes);
  out.raw(",\"channels\":{");
  for (const auto& channel : summary.channels) {
    if (out.view().back() != '{') out.raw(',');
    out.quoted(channel.channel);
    out.raw(":{\"events\":");
    out.integer(channel.events);
    out.raw(",\"items\":");
    out.integer(channel.items);
    out.raw('}');
  }
  out.raw('}');
  if (!summary.damage.empty()) {
    out.raw(",\"damage\":");
    out.quoted(summary.damage);
  }
  out.raw("}\n");
  return print(out.str());
}

int info_text(const Summary& summary, std::uint64_t file_bytes) {
  const SessionRow& row = summary.session;
  const auto events = static_cast<double>(std::max<std::uint64_t>(row.events, 1));
  std::vector<std::vector<std::string>> facts = {
      {"session", std::to_string(row.id) + (row.clean ? "" : " (not ended cleanly, or still being recorded)")},
      {"started", format_rfc3339(row.started_ts)},
      {"ended", format_rfc3339(row.ended_ts)},
      {"span", span_of(row)},
      {"feeds", row.feeds},
      {"symbols", row.symbols},
      {"recorded by", "bixws " + row.version},
      {"events", std::to_string(row.events) + ", " + fixed(rate_of(summary), 1) + " a second"},
  };
  for (const auto& channel : summary.channels) {
    std::string text = std::to_string(channel.events);
    if (channel.channel == "trades") text += " with " + std::to_string(channel.items) + " trades";
    if (channel.channel == "book") text += " with " + std::to_string(channel.items) + " levels";
    facts.push_back({"  " + channel.channel, text});
  }
  facts.push_back({"coverage", fixed(summary.coverage, 3) + " %"});
  std::string gaps = std::to_string(summary.gaps);
  if (summary.longest_gap != 0) gaps += ", the longest " + format_duration(summary.longest_gap);
  facts.push_back({"gaps", gaps});
  facts.push_back({"size", short_bytes(static_cast<double>(summary.chunk_bytes)) + " in chunks, " +
                               fixed(static_cast<double>(summary.chunk_bytes) / events, 1) + " B an event; file " +
                               short_bytes(static_cast<double>(file_bytes))});
  if (!summary.damage.empty()) facts.push_back({"damage", summary.damage});
  return print(table(facts));
}

int info(const Call& call) {
  const std::string& file = call.values.text("file");
  const host::Signals signals;
  Summary summary;
  {
    Progress progress("reading", "events");
    summary = recording::summarize(file, session_of(call), [&](double share, std::uint64_t events) {
      progress.show(share, events);
      return !signals.seen();
    });
  }
  return call.values.on("json") ? info_json(summary, size_of_file(file)) : info_text(summary, size_of_file(file));
}

std::string coverage_json(double percent) {
  std::string text = fixed(percent, 6);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

void errors_json(TextBuffer& out, const std::vector<std::string>& errors) {
  out.raw('[');
  for (const std::string& error : errors) {
    if (out.view().back() != '[') out.raw(',');
    out.quoted(error);
  }
  out.raw(']');
}

int verify_json(const recording::VerifyReport& report) {
  TextBuffer out;
  out.raw("{\"sessions\":[");
  for (const SessionReport& session : report.sessions) {
    if (out.view().back() != '[') out.raw(',');
    out.raw("{\"session_id\":");
    out.integer(session.session);
    out.raw(",\"digest\":");
    if (session.digest) {
      out.quoted(recording::hex(*session.digest));
    } else {
      out.raw("null");
    }
    out.raw(",\"events\":");
    out.integer(session.events);
    out.raw(",\"coverage\":");
    out.raw(coverage_json(session.coverage));
    out.raw(",\"gaps\":");
    out.integer(session.gaps);
    out.raw(session.clean ? ",\"clean\":true" : ",\"clean\":false");
    out.raw(",\"errors\":");
    errors_json(out, session.errors);
    out.raw('}');
  }
  out.raw("],\"errors\":");
  errors_json(out, report.errors);
  out.raw("}\n");
  return print(out.str());
}

int verify_text(const recording::VerifyReport& report, const std::string& file) {
  std::string text;
  for (const SessionReport& session : report.sessions) {
    if (session.digest)
      text += "sha256 " + recording::hex(*session.digest) + "  session " + std::to_string(session.session) + "\n";
  }
  const int printed = print(text);
  for (const std::string& error : report.errors) std::fprintf(stderr, "bixws: %s: %s\n", file.c_str(), error.c_str());
  for (const SessionReport& session : report.sessions) {
    for (const std::string& error : session.errors) {
      std::fprintf(stderr, "bixws: %s: session %lld: %s\n", file.c_str(), static_cast<long long>(session.session),
                   error.c_str());
    }
  }
  return printed;
}

std::string lower_hex(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw ConfigError("--expect " + text + ": a digest has 64 hexadecimal digits");
  }
  return text;
}

int verify(const Call& call) {
  const std::string& file = call.values.text("file");
  const std::string expected = call.values.has("expect") ? lower_hex(call.values.text("expect")) : std::string();
  const host::Signals signals;
  recording::VerifyReport report;
  {
    Progress progress("verifying", "events");
    recording::VerifyOptions options;
    options.session = session_of(call);
    options.progress = [&](double share, std::uint64_t events) {
      progress.show(share, events);
      return !signals.seen();
    };
    report = recording::verify(file, options);
  }
  const int printed = call.values.on("json") ? verify_json(report) : verify_text(report, file);
  if (printed != 0) return printed;
  if (!report.good()) return kDamaged;
  if (expected.empty()) return 0;
  // Without --session the digest is that of the latest, which replay would play.
  if (report.sessions.empty() || !report.sessions.back().digest ||
      recording::hex(*report.sessions.back().digest) != expected) {
    std::fprintf(stderr, "bixws: %s: the digest is not %s\n", file.c_str(), expected.c_str());
    return kDamaged;
  }
  return 0;
}

}  // namespace

Verb sessions_list_verb() {
  return {.name = "sessions list",
          .summary = "the sessions of a recording",
          .flags = {file_flag(), session_flag("all"), json_flag()},
          .examples =
              "  # what is in the file\n"
              "  bixws sessions list btc.db\n",
          .run = list};
}

Verb sessions_info_verb() {
  return {.name = "sessions info",
          .summary = "span, events per channel, rate, coverage, gaps and size of a session",
          .flags = {file_flag(), session_flag("the latest"), json_flag()},
          .examples =
              "  # the latest session\n"
              "  bixws sessions info btc.db\n"
              "  # how much of the time is covered, as a number\n"
              "  bixws sessions info btc.db --json | jq .coverage\n",
          .run = info};
}

Verb sessions_verify_verb() {
  return {.name = "sessions verify",
          .summary = "prove that a recording is whole, and print its digests",
          .about =
              "Checks structure, order, CRCs, the hash chain, keyframes, and the rows for SQL against the recorded "
              "events. Prints for each session the SHA-256 of its market data, which is the same for the recording of "
              "a replay. Nothing is repaired. Exit code 3: something is damaged, and stderr says what and which events "
              "are still good; or the digest is not the expected one. Gaps are no damage.",
          .flags = {file_flag(),
                    session_flag("all"),
                    {.name = "expect",
                     .value = "HEX",
                     .help = "fail unless the session (without --session: the latest) has this digest",
                     .configurable = false},
                    json_flag()},
          .examples =
              "  # all sessions\n"
              "  bixws sessions verify btc.db\n"
              "  # in a script: the replay gave what was recorded\n"
              "  bixws sessions verify again.db --expect $(bixws sessions verify btc.db --json | jq -r "
              ".sessions[-1].digest)\n",
          .run = verify};
}

}  // namespace bixws::cli
