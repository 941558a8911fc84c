// SPDX-License-Identifier: Apache-2.0
// The embedded dashboard: what is found, with which headers, and what is never served.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "server/assets.h"
#include "support/temp_dir.h"

namespace bixws::server {
namespace {

std::string header(const AssetAnswer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return {};
}

#ifdef BIXWS_DASHBOARD
class EmbeddedAssets : public testing::Test {
 protected:
  Assets assets;
};

TEST_F(EmbeddedAssets, ThePageComesWithAStrictPolicy) {
  const auto page = assets.find({"/", {}, {}});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->body.starts_with("<!doctype html>"));
  const std::string policy = header(*page, "Content-Security-Policy");
  EXPECT_NE(policy.find("script-src 'self';"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(header(*page, "Content-Encoding"), "");
}

TEST_F(EmbeddedAssets, CompressedForThoseWhoTakeIt) {
  const auto plain = assets.find({"/assets/bixws-client.js", {}, {}});
  const auto packed = assets.find({"/assets/bixws-client.js", "br, gzip;q=0.8", {}});
  const auto refused = assets.find({"/assets/bixws-client.js", "gzip;q=0", {}});
  ASSERT_TRUE(plain && packed && refused);
  EXPECT_EQ(header(*packed, "Content-Encoding"), "gzip");
  EXPECT_LT(packed->body.size() * 2, plain->body.size());
  EXPECT_TRUE(packed->body.starts_with("\x1f\x8b"));
  EXPECT_EQ(refused->body, plain->body);
  EXPECT_EQ(plain->type, "text/javascript; charset=utf-8");
}

TEST_F(EmbeddedAssets, UnchangedIsNotSentAgain) {
  const auto first = assets.find({"/assets/vendor/klinecharts.js", "gzip", {}});
  ASSERT_TRUE(first);
  const std::string etag = header(*first, "ETag");
  ASSERT_GT(etag.size(), 10U);
  for (const std::string& condition : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
    const auto again = assets.find({"/assets/vendor/klinecharts.js", "gzip", condition});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, 304) << condition;
    EXPECT_TRUE(again->body.empty());
  }
  EXPECT_EQ(assets.find({"/assets/vendor/klinecharts.js", "gzip", "\"other\""})->status, 200);
}

TEST_F(EmbeddedAssets, EveryFileIsFoundUnderItsPath) {
  const EmbeddedFiles all = embedded_files();
  EXPECT_TRUE(std::is_sorted(all.files, all.files + all.count, [](auto& a, auto& b) { return a.path < b.path; }));
  for (std::size_t i = 0; i < all.count; ++i) {
    const auto found = assets.find({all.files[i].path, {}, {}});
    ASSERT_TRUE(found) << all.files[i].path;
    EXPECT_EQ(found->body.data(), all.files[i].bytes.data());
  }
}

#else
TEST(Assets, WithoutTheDashboardThereIsNoPage) { EXPECT_FALSE(Assets().has_page()); }
#endif

TEST(Assets, UnknownPathsAreNotFound) {
  const Assets assets;
  for (const char* path : {"", "/index.html", "/assets", "/assets/", "/assets/none.js", "/healthz", "assets/app.js"}) {
    EXPECT_FALSE(assets.find({path, {}, {}})) << path;
  }
}

TEST(Assets, AFolderWinsFileByFileAndIsNeverLeft) {
  const test::TempDir dir;
  dir.write("secret.txt", "secret");
  dir.write("web/index.html", "<!doctype html>mine");
  dir.write("web/own/note.js", "one");
  dir.write("web/.hidden", "hidden");
  const Assets assets((dir / "web").string());

  EXPECT_EQ(assets.find({"/", "gzip", {}})->body, "<!doctype html>mine");
  const auto first = assets.find({"/assets/own/note.js", {}, {}});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->body, "one");
  EXPECT_EQ(assets.find({"/assets/own/note.js", {}, header(*first, "ETag")})->status, 304);
  dir.write("web/own/note.js", "two");
  EXPECT_EQ(assets.find({"/assets/own/note.js", {}, header(*first, "ETag")})->body, "two");
  EXPECT_EQ(first->body, "one");

  for (const char* path : {"/assets/../secret.txt", "/assets//secret.txt", "/assets/own/../../secret.txt",
                           "/assets/.hidden", "/assets/own", "/assets/own/", "/../secret.txt"}) {
    EXPECT_FALSE(assets.find({path, {}, {}})) << path;
  }
}

}  // namespace
}  // namespace bixws::server
