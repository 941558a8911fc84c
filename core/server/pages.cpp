// SPDX-License-Identifier: Apache-2.0
// Pages: the dashboard, /healthz and /metrics.
#include "server/pages.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "model/text_buffer.h"
#include "server/server.h"

namespace bixws::server {
namespace {

// What stands at / when the dashboard was left out of the build.
constexpr std::string_view kNoDashboard = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>bixws</title><meta name="viewport" content="width=device-width"></head>
<body><h1>bixws</h1><p>This server was built without its dashboard (-DBIXWS_DASHBOARD=OFF). It speaks WebSocket here:
<code>bixws watch</code>, or any WebSocket client. There are also <a href="healthz">healthz</a> and
<a href="metrics">metrics</a>.</p></body></html>
)";

std::string_view value_of(const net::HttpRequest& request, std::string_view name) {
  const std::string* found = request.headers.find(name);
  return found == nullptr ? std::string_view() : *found;
}

net::HttpResponse health(const Server& server) {
  const std::vector<std::string> reasons = server.ailments();
  net::HttpResponse response;
  response.status = reasons.empty() ? 200 : 503;
  response.type = "application/json";
  TextBuffer body;
  body.raw(reasons.empty() ? std::string_view("{\"status\":\"ok\"") : std::string_view("{\"status\":\"unhealthy\""));
  body.raw(",\"clients\":");
  body.integer(server.clients());
  body.raw(",\"reasons\":[");
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (i != 0) body.raw(',');
    body.quoted(reasons[i]);
  }
  body.raw("]}\n");
  response.body = body.view();
  return response;
}

}  // namespace

std::optional<net::HttpResponse> dashboard_page(const Assets& assets, const net::HttpRequest& request,
                                                std::string_view path) {
  const auto found = assets.find({path, value_of(request, "Accept-Encoding"), value_of(request, "If-None-Match")});
  if (!found) return std::nullopt;
  net::HttpResponse response;
  response.status = found->status;
  response.type = found->type;
  response.body = found->body;
  for (const auto& [name, value] : found->headers) response.headers.add(name, value);
  return response;
}

net::HttpResponse page_for(const Server& server, const Assets& assets, const net::HttpRequest& request,
                           std::string_view path, std::string_view version) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads) {
    if (auto page = dashboard_page(assets, request, path)) {
      if (!version.empty()) page->headers.add("Server", "bixws/" + std::string(version));
      return *std::move(page);
    }
  }
  net::HttpResponse response;
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-store");
  if (!version.empty()) response.headers.add("Server", "bixws/" + std::string(version));
  if (path != "/" && path != "/healthz" && path != "/metrics") {
    response.status = 404;
    response.body = "not found; there are /, /healthz and /metrics\n";
  } else if (!reads) {
    response.status = 405;
    response.headers.add("Allow", "GET, HEAD");
    response.body = "only GET and HEAD\n";
  } else if (path == "/healthz") {
    net::HttpResponse answer = health(server);
    answer.headers = response.headers;
    return answer;
  } else if (path == "/metrics") {
    response.type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = server.metrics();
  } else {
    response.type = "text/html; charset=utf-8";
    response.headers.add("Content-Security-Policy", std::string(kContentSecurityPolicy));
    response.body = kNoDashboard;
  }
  return response;
}

void write_process_metrics(MetricsText& out) {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  if (statm >> size >> resident) {
    out.gauge("process_resident_memory_bytes", "Resident memory.", resident * ::sysconf(_SC_PAGESIZE));
  }
  if (DIR* directory = ::opendir("/proc/self/fd")) {
    std::int64_t open = -3;  // the directory itself, and the entries . and ..
    while (::readdir(directory) != nullptr) ++open;
    ::closedir(directory);
    out.gauge("process_open_fds", "Open descriptors.", open);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.gauge("process_max_fds", "Descriptors that may be open.", static_cast<std::int64_t>(limit.rlim_cur));
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  out.counter("process_cpu_seconds_total", "Processor time used.", seconds(usage.ru_utime) + seconds(usage.ru_stime));
}

}  // namespace bixws::server
