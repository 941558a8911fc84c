// SPDX-License-Identifier: Apache-2.0
// Assets: the files of the dashboard, embedded at build time or read from a folder while somebody works on them, with
// the headers they are served with.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bixws::server {

/// One file as the build embedded it (cmake/EmbedFiles.cmake writes the table).
struct EmbeddedFile {
  std::string_view path;  ///< "/", "/assets/bixws-client.js"
  std::string_view type;  ///< Content-Type
  std::string_view etag;  ///< quoted; made from the bytes
  std::string_view bytes;
  std::string_view gzip;  ///< the same, compressed; empty if that is not smaller
};
/// All of them, in byte order of their paths; none in a build without the dashboard.
struct EmbeddedFiles {
  const EmbeddedFile* files = nullptr;
  std::size_t count = 0;
};
[[nodiscard]] EmbeddedFiles embedded_files();

/// What a request says that matters here; empty: the header is absent.
struct AssetRequest {
  std::string_view path;  ///< decoded, without the base path and the query
  std::string_view accept_encoding;
  std::string_view if_none_match;
};

struct AssetAnswer {
  int status = 200;                                          ///< 200 or 304
  std::string_view type;                                     ///< Content-Type; empty with 304
  std::vector<std::pair<std::string, std::string>> headers;  ///< all others, Content-Length apart
  std::string_view body;                                     ///< for GET; a HEAD tells its length only
  std::shared_ptr<const std::string> owner;                  ///< keeps `body` alive if it came from disk
};

/// Thread-safe: nothing changes after construction. The pages need no token: there is no data in them.
class Assets {
 public:
  /// `web_dir` (--web-dir) wins over what is embedded, file by file, and is read anew for each request: edit, reload.
  explicit Assets(std::string web_dir = {}) : web_dir_(std::move(web_dir)) {}

  /// Nothing if there is no such file; "/" is the page. Never leaves `web_dir`.
  [[nodiscard]] std::optional<AssetAnswer> find(const AssetRequest& request) const;
  /// Whether "/" is a page at all, or this was built with -DBIXWS_DASHBOARD=OFF.
  [[nodiscard]] bool has_page() const;

 private:
  std::string web_dir_;
};

/// Scripts, styles and connections from this very origin only; nothing inline, nothing of a third party.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

}  // namespace bixws::server
