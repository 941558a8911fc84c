// SPDX-License-Identifier: Apache-2.0
// Plugins in every state of disrepair: each is refused with a sentence, and this process lives on.
#include <gmock/gmock.h>

#include <filesystem>

#include "host/registry.h"
#include "model/config_error.h"
#include "support/temp_dir.h"

namespace bixws::host {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

fs::path case_folder(const std::string& name) { return fs::path(BIXWS_BUILD_DIR) / "tests/plugins" / name; }

std::string problem_of(const std::string& name) {
  return probe_plugin((case_folder(name) / "libbixws_feed_broken.so").string(), "feed", "broken",
                      std::chrono::milliseconds(name == "hangs" ? 300 : 5000))
      .problem;
}

// Sanitizers turn a crash into an exit.
const auto kCrash = AnyOf(MatchesRegex("crashed while loading \\(.+\\)"),
                          MatchesRegex("ended the process while loading \\(exit code [0-9]+\\)"));

TEST(BrokenPlugin, IsRefusedWithASentence) {
  EXPECT_EQ(problem_of("no_symbol"), "is not a plugin for this bixws: it has no symbol bixws_plugin_v1");
  EXPECT_EQ(problem_of("declines"), "declined to load");
  EXPECT_EQ(problem_of("not_a_descriptor"), "answers with something else than a plugin descriptor");
  EXPECT_EQ(problem_of("wrong_major"), "is made for plugin ABI 2.1, this bixws has 1.1; build it against this version");
  EXPECT_EQ(problem_of("newer_minor"), "is made for plugin ABI 1.2, this bixws has 1.1; build it against this version");
  EXPECT_THAT(problem_of("wrong_size"), StartsWith("has a descriptor of 8 bytes where ABI 1.1 has "));
  EXPECT_THAT(problem_of("wrong_toolchain"), StartsWith("is built by another toolchain (\"msvc-1999\", this bixws: "));
  EXPECT_EQ(problem_of("wrong_name"), "calls itself \"feed\" \"whole\", which is not what its file name says");
  EXPECT_EQ(problem_of("no_maker"), "must have exactly one way to make a feed");
  EXPECT_EQ(problem_of("two_makers"), "must have exactly one way to make a feed");
  EXPECT_EQ(problem_of("bad_options"), "has a broken option table: row 2");
  EXPECT_EQ(problem_of("twice_the_option"), "names its option key twice");
  EXPECT_EQ(problem_of("throws"), "threw an exception while loading: no licence on this machine");
  EXPECT_THAT(problem_of("crashes"), kCrash);
  EXPECT_THAT(problem_of("crashes_before_main"), kCrash);
  EXPECT_THAT(problem_of("throws_before_main"), kCrash);
  EXPECT_EQ(problem_of("exits"), "ended the process while loading (exit code 7)");
  EXPECT_EQ(problem_of("hangs"), "did not finish loading within 300 ms");
  EXPECT_THAT(problem_of("undefined_symbol"), HasSubstr("undefined symbol: bixws_there_is_no_such_function"));
}

TEST(BrokenPlugin, MayBeNoLibraryAtAll) {
  const test::TempDir dir;
  const auto text = dir.write("libbixws_feed_text.so", "#!/bin/sh\necho I am no library\n");
  EXPECT_EQ(probe_plugin(text, "feed", "text").problem, "is not a shared library");
  const auto empty = dir.write("libbixws_feed_empty.so", "");
  EXPECT_EQ(probe_plugin(empty, "feed", "empty").problem, "is not a shared library");
  const auto stump = dir.write("libbixws_feed_stump.so", "\177ELF and then nothing");
  EXPECT_THAT(probe_plugin(stump, "feed", "stump").problem, StartsWith("cannot be loaded: "));
  EXPECT_EQ(probe_plugin((dir / "libbixws_feed_gone.so").string(), "feed", "gone").problem,
            "cannot be read: No such file or directory");
  fs::create_directory(dir / "libbixws_feed_folder.so");
  EXPECT_EQ(probe_plugin((dir / "libbixws_feed_folder.so").string(), "feed", "folder").problem,
            "cannot be read: Is a directory");
}

TEST(SoundPlugin, DescribesItself) {
  const Probed probed = probe_plugin((case_folder("moody_feed") / "libbixws_feed_moody.so").string(), "feed", "moody");
  ASSERT_EQ(probed.problem, "");
  EXPECT_EQ(probed.facts.name, "moody");
  EXPECT_EQ(probed.facts.version, "1.2");
  ASSERT_EQ(probed.facts.options.size(), 7U);
  EXPECT_EQ(probed.facts.options[1].name, "count");
  EXPECT_EQ(probed.facts.options[1].type, OptionType::integer);
  EXPECT_EQ(probed.facts.options[1].fallback, "3");
  EXPECT_EQ(probed.facts.options[5].fallback, "");
  EXPECT_TRUE(probed.facts.options[6].secret);
}

TEST(Registry, LoadsByNameAndOnlyOnce) {
  Registry registry({case_folder("moody_feed").string(), case_folder("moody_sink").string()});
  const Descriptor& feed = registry.load("feed", "moody");
  EXPECT_NE(feed.make_source, nullptr);
  EXPECT_EQ(&registry.load("feed", "moody"), &feed);
  EXPECT_NE(registry.load("sink", "moody").make_sink, nullptr);
}

std::string refusal(Registry& registry, const std::string& kind, const std::string& name) {
  try {
    (void)registry.load(kind, name);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "loaded";
}

TEST(Registry, RefusesWithTheNearestNameOrTheReason) {
  Registry registry({case_folder("moody_feed").string(), case_folder("crashes").string()});
  EXPECT_EQ(refusal(registry, "feed", "mody"), "unknown feed mody; did you mean moody?");
  EXPECT_EQ(refusal(registry, "feed", "postgres"), "unknown feed postgres; known: broken, moody");
  EXPECT_EQ(refusal(registry, "sink", "moody"), "unknown sink moody; it is a feed");
  EXPECT_THAT(refusal(registry, "feed", "broken"),
              StartsWith("feed broken: " + (case_folder("crashes") / "libbixws_feed_broken.so ").string()));
  Registry nothing({});
  EXPECT_EQ(refusal(nothing, "feed", "sim"), "unknown feed sim; no plugins found, see --plugin-dir");
}

TEST(Registry, FirstOfANameWinsAndTheOtherIsListedAsShadowed) {
  const test::TempDir dir;
  fs::copy_file(case_folder("moody_feed") / "libbixws_feed_moody.so", dir / "libbixws_feed_moody.so");
  dir.write("libbixws_feed_text.so", "text");
  dir.write("libbixws_filter_moody.so", "of no kind we know");
  dir.write("libbixws_feed.so", "without a name");
  dir.write("README", "not a plugin");
  const Registry registry({dir.path().string(), case_folder("moody_feed").string()});
  const auto plugins = registry.list();
  ASSERT_EQ(plugins.size(), 3U);
  EXPECT_EQ(plugins[0].path, (dir / "libbixws_feed_moody.so").string());
  EXPECT_EQ(plugins[0].shadowed_by, "");
  EXPECT_EQ(plugins[0].facts.description, "does as it is told");
  EXPECT_EQ(plugins[1].shadowed_by, plugins[0].path);
  EXPECT_EQ(plugins[2].problem, "is not a shared library");
  EXPECT_THAT(registry.names("feed"), ElementsAre("moody", "text"));
}

TEST(PluginDirectories, AreSearchedInTheirOrder) {
  const test::TempDir dir;
  for (const char* name : {"named", "path1", "path2", "home/.local/lib/bixws/plugins"}) {
    fs::create_directories(dir / name);
  }
  const std::string path = (dir / "path1").string() + ":/nowhere:" + (dir / "path2").string();
  ::setenv("BIXWS_PLUGIN_PATH", path.c_str(), 1);
  const std::string home = ::getenv("HOME") != nullptr ? ::getenv("HOME") : "";
  ::setenv("HOME", (dir / "home").c_str(), 1);
  const auto found = plugin_directories({(dir / "named").string()});
  ::unsetenv("BIXWS_PLUGIN_PATH");
  ::setenv("HOME", home.c_str(), 1);
  const auto canonical = [&](const char* name) { return fs::canonical(dir / name).string(); };
  ASSERT_GE(found.paths.size(), 6U);
  EXPECT_THAT(std::vector(found.paths.begin(), found.paths.begin() + 5),
              ElementsAre(canonical("named"), canonical("path1"), canonical("path2"),
                          canonical("home/.local/lib/bixws"), canonical("home/.local/lib/bixws/plugins")));
  EXPECT_EQ(found.paths[5], fs::read_symlink("/proc/self/exe").parent_path().string());
}

TEST(PluginDirectories, WritableByEveryoneAreNotUsed) {
  const test::TempDir dir;
  fs::create_directory(dir / "open");
  fs::permissions(dir / "open", fs::perms::all);
  const auto found = plugin_directories({(dir / "open").string()});
  ASSERT_EQ(found.refused.size(), 1U);
  EXPECT_THAT(found.refused.front(), HasSubstr("is writable by everyone and not used"));
  EXPECT_THAT(found.paths, testing::Not(testing::Contains(fs::canonical(dir / "open").string())));
  EXPECT_THROW((void)plugin_directories({(dir / "missing").string()}), ConfigError);
}

}  // namespace
}  // namespace bixws::host
