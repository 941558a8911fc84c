// SPDX-License-Identifier: Apache-2.0
// Pages: /, /healthz and /metrics.
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

// A page that shows the market through the server's own protocol.
constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>bixws</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .6rem;border-bottom:1px solid #d0d7de;text-align:right}th:first-child,td:first-child{text-align:left}
#state{color:#57606a}@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}}
</style></head><body>
<h1>bixws</h1><p id="state" role="status">connecting</p>
<table><thead><tr><th>Symbol</th><th>Price</th><th>Bid</th><th>Ask</th><th>24 h</th></tr></thead><tbody id="rows"></tbody></table>
<script>
"use strict";
const rows=new Map(),state=document.getElementById("state"),body=document.getElementById("rows");
function show(symbol,text){let row=rows.get(symbol);
 if(!row){row=body.insertRow();for(let i=0;i<5;i++)row.insertCell();row.cells[0].textContent=symbol;rows.set(symbol,row);}
 // Digits are cut out of the text as they are: a JSON number would lose trailing zeros.
 const digits=(name)=>{const m=text.match(new RegExp('"'+name+'":(-?[0-9.]+)'));return m?m[1]:"";};
 row.cells[1].textContent=digits("price");row.cells[2].textContent=digits("bid");row.cells[3].textContent=digits("ask");
 const change=digits("change_24h");row.cells[4].textContent=change?change+" %":"";}
function connect(){const url=new URL(location.href);url.protocol=url.protocol==="https:"?"wss:":"ws:";url.hash="";
 const socket=new WebSocket(url);socket.onopen=()=>{state.textContent="live";};
 socket.onmessage=(e)=>{const m=JSON.parse(e.data);if(m.type!=="initial_data"&&m.type!=="market_update")return;
  for(const symbol of Object.keys(m.data)){const at=e.data.indexOf(JSON.stringify(symbol)+":{");
   show(symbol,e.data.slice(at,e.data.indexOf("}",at)));}};
 socket.onclose=()=>{state.textContent="connection lost, trying again";setTimeout(connect,2000);};}
connect();
</script></body></html>
)";

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

net::HttpResponse page_for(const Server& server, const net::HttpRequest& request, std::string_view path,
                           std::string_view version) {
  net::HttpResponse response;
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-store");
  if (!version.empty()) response.headers.add("Server", "bixws/" + std::string(version));
  if (path != "/" && path != "/healthz" && path != "/metrics") {
    response.status = 404;
    response.body = "not found; there are /, /healthz and /metrics\n";
  } else if (request.method != "GET" && request.method != "HEAD") {
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
    response.headers.add("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                         "connect-src 'self' ws: wss:");
    response.body = kPage;
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
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  out.counter("process_cpu_seconds_total", "Processor time used.", seconds(usage.ru_utime) + seconds(usage.ru_stime));
}

}  // namespace bixws::server
