// SPDX-License-Identifier: Apache-2.0
// Assets: look-up, conditional requests, and the folder that developers serve from.
#include "server/assets.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

namespace bixws::server {
namespace {

bool is_asset_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// The file of `path` below a web folder; empty if the path is none of ours, or could lead out of it.
std::string file_of(std::string_view path) {
  if (path == "/") return "index.html";
  constexpr std::string_view prefix = "/assets/";
  if (!path.starts_with(prefix)) return {};
  path.remove_prefix(prefix.size());
  char before = '/';
  for (const char c : path) {
    const bool begins = before == '/';
    if (c == '/' ? begins : (!is_asset_name(c) || (begins && c == '.'))) return {};
    before = c;
  }
  return before == '/' ? std::string() : std::string(path);
}

std::string_view type_of(std::string_view path) {
  const auto ends = [&](std::string_view tail) { return path.ends_with(tail); };
  if (ends(".html")) return "text/html; charset=utf-8";
  if (ends(".js")) return "text/javascript; charset=utf-8";
  if (ends(".css")) return "text/css; charset=utf-8";
  if (ends(".svg")) return "image/svg+xml";
  if (ends(".webmanifest")) return "application/manifest+json";
  if (ends(".json")) return "application/json";
  if (ends(".png")) return "image/png";
  return "text/plain; charset=utf-8";
}

/// Whether a comma-separated header lists `name`, and not with q=0.
bool lists(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
    const std::string_view token = item.substr(0, item.find_first_of(" \t;"));
    if (token != name && token != "*") continue;
    const std::size_t q = item.find("q=");
    if (q == std::string_view::npos) return true;
    return item.find_first_of("123456789", q + 2) != std::string_view::npos;
  }
  return false;
}

/// Weak comparison, as If-None-Match asks for.
bool matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const std::size_t comma = std::min(if_none_match.find(','), if_none_match.size());
    std::string_view item = if_none_match.substr(0, comma);
    if_none_match.remove_prefix(std::min(comma + 1, if_none_match.size()));
    item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
    item = item.substr(0, item.find_last_not_of(" \t") + 1);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == etag || item == "*") return true;
  }
  return false;
}

/// FNV-1a: enough to notice an edit.
std::string etag_of(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  char text[24];
  std::snprintf(text, sizeof text, "\"d%016llx\"", static_cast<unsigned long long>(hash));
  return text;
}

AssetAnswer answer(const EmbeddedFile& file, const AssetRequest& request) {
  AssetAnswer result;
  result.headers = {{"ETag", std::string(file.etag)},    {"Cache-Control", "no-cache"},
                    {"Vary", "Accept-Encoding"},         {"X-Content-Type-Options", "nosniff"},
                    {"Referrer-Policy", "no-referrer"},  {"Cross-Origin-Resource-Policy", "cross-origin"},
                    {"Access-Control-Allow-Origin", "*"}};
  if (matches(request.if_none_match, file.etag)) {
    result.status = 304;
    return result;
  }
  result.type = file.type;
  if (file.type.starts_with("text/html")) {
    result.headers.emplace_back("Content-Security-Policy", kContentSecurityPolicy);
  }
  result.body = file.bytes;
  if (!file.gzip.empty() && lists(request.accept_encoding, "gzip")) {
    result.headers.emplace_back("Content-Encoding", "gzip");
    result.body = file.gzip;
  }
  return result;
}

std::shared_ptr<const std::string> read(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return nullptr;
  std::ifstream in(path, std::ios::binary);
  if (!in) return nullptr;
  return std::make_shared<const std::string>(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

}  // namespace

std::optional<AssetAnswer> Assets::find(const AssetRequest& request) const {
  const std::string name = file_of(request.path);
  if (name.empty()) return std::nullopt;
  if (!web_dir_.empty()) {
    if (auto owner = read(std::filesystem::path(web_dir_) / name)) {
      const std::string etag = etag_of(*owner);
      AssetAnswer result = answer({request.path, type_of(name), etag, *owner, {}}, request);
      result.owner = std::move(owner);
      return result;
    }
  }
  const EmbeddedFiles embedded = embedded_files();
  const std::span files(embedded.files, embedded.count);
  const auto found = std::lower_bound(files.begin(), files.end(), request.path,
                                      [](const EmbeddedFile& file, std::string_view path) { return file.path < path; });
  if (found == files.end() || found->path != request.path) return std::nullopt;
  return answer(*found, request);
}

bool Assets::has_page() const { return find({"/", {}, {}}).has_value(); }

}  // namespace bixws::server
