// SPDX-License-Identifier: Apache-2.0
// Running programs: what they print, when, and how they end.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "support/process.h"

namespace bixws::test {
namespace {

using Output = Process::Output;

ProcessOptions shell(const std::string& script) {
  ProcessOptions options;
  options.args = {"-c", script};
  return options;
}

TEST(SupportProcess, OutputsAndExitCode) {
  const Finished finished = run("/bin/sh", shell("echo out; echo err >&2; cat; exit 3"), "typed\n");
  EXPECT_EQ(finished.exit, (ExitStatus{3, 0}));
  EXPECT_EQ(finished.out, "out\ntyped\n");
  EXPECT_EQ(finished.err, "err\n");
}

TEST(SupportProcess, EnvironmentAndFolder) {
  const TempDir dir;
  ProcessOptions options = shell("echo $ADDED:${HOME-gone}; pwd -P");
  options.env["ADDED"] = "yes";
  options.unset = {"HOME"};
  options.cwd = dir.path();
  EXPECT_EQ(run("/bin/sh", options).out, "yes:gone\n" + std::filesystem::canonical(dir.path()).string() + "\n");
}

TEST(SupportProcess, LinesAreSeenWhileItRuns) {
  Process process("/bin/sh", shell("echo listening on 127.0.0.1:4711; read answer; echo got $answer"));
  const auto groups = process.wait_for_line("listening on ([^:]*):([0-9]+)");
  ASSERT_TRUE(groups);
  EXPECT_EQ((*groups)[1], "127.0.0.1");
  EXPECT_EQ((*groups)[2], "4711");
  EXPECT_TRUE(process.running());
  EXPECT_TRUE(process.write_stdin("it\n"));
  EXPECT_TRUE(process.wait_for_line("^got it$"));
  EXPECT_EQ(process.wait_exit(), (ExitStatus{0, 0}));
  EXPECT_EQ(process.lines(), (std::vector<std::string>{"listening on 127.0.0.1:4711", "got it"}));
}

TEST(SupportProcess, WaitForLineEndsWhenTheOutputDoes) {
  Process process("/bin/sh", shell("echo one; printf 'last without newline'"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(process.wait_for_line("never"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience / 2);
  EXPECT_TRUE(process.wait_for_line("without newline$"));
}

TEST(SupportProcess, WaitForLineGivesUpAtTheDeadline) {
  Process process("/bin/cat");
  EXPECT_FALSE(process.wait_for_line("anything", Output::out, Milliseconds(20)));
  EXPECT_FALSE(process.wait_exit(Milliseconds(1)));
}

TEST(SupportProcess, ALotOnBothOutputsDoesNotBlock) {
  const Finished finished =
      run("/bin/sh", shell("i=0; while [ $i -lt 20000 ]; do echo aaaaaaaaaaaaaaaaaaaa; echo bbbbbbbbbbbbbbbbbbbb >&2; "
                           "i=$((i+1)); done"));
  EXPECT_EQ(finished.out.size(), 21U * 20000);
  EXPECT_EQ(finished.err.size(), 21U * 20000);
}

TEST(SupportProcess, Signals) {
  Process process("/bin/sh", shell("trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  ASSERT_TRUE(process.wait_for_line("ready"));
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.wait_exit(), (ExitStatus{7, 0}));
  EXPECT_TRUE(process.wait_for_line("caught"));

  Process killed("/bin/cat");
  killed.send_signal(SIGKILL);
  EXPECT_EQ(killed.wait_exit(), (ExitStatus{0, SIGKILL}));
}

TEST(SupportProcess, NothingOutlivesTheObject) {
  pid_t pid = 0;
  std::string grandchild;
  {
    Process process("/bin/sh", shell("trap '' TERM; sleep 1000 & echo $!; wait"));
    pid = process.pid();
    grandchild = process.wait_for_line("[0-9]+").value().at(0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_TRUE(wait_until([&] {
    // An orphan is reaped by whoever is init; until then it may stand there as a zombie.
    std::error_code ignored;
    if (!std::filesystem::exists("/proc/" + grandchild, ignored)) return true;
    return read_file("/proc/" + grandchild + "/stat").find(") Z ") != std::string::npos;
  }));
}

TEST(SupportProcess, AMissingProgramSaysSo) {
  try {
    const Process process("/nonexistent/program");
    FAIL() << "it ran";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/program: No such file"), std::string::npos) << error.what();
  }
}

TEST(SupportProcess, AClosedPipeReachesTheProgram) {
  Process process("/bin/sh", shell("while echo line; do :; done; exit 5"));
  ASSERT_TRUE(process.wait_for_line("line"));
  process.close_stdout();
  const auto exit = process.wait_exit();
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->signal == SIGPIPE || exit->code == 5);
}

TEST(SupportProcess, WritingToAProgramThatReadsNoMoreIsNoSignalForTheTest) {
  Process process("/bin/sh", shell("exec <&-; echo closed; sleep 100"));
  ASSERT_TRUE(process.wait_for_line("closed"));
  EXPECT_FALSE(process.write_stdin("lost"));
}

TEST(SupportProcess, ATerminal) {
  ProcessOptions options = shell(
      "test -t 0 && test -t 1 && echo terminal; test -t 2 || echo pipe >&2; stty size; read x; "
      "echo got $x; cat; echo end");
  options.pty = true;
  options.columns = 90;
  options.rows = 20;
  Process process("/bin/sh", options);
  EXPECT_TRUE(process.wait_for_line("^terminal$"));
  EXPECT_TRUE(process.wait_for_line("^pipe$", Output::err));
  EXPECT_TRUE(process.wait_for_line("^20 90$"));
  process.write_stdin("key\n");
  EXPECT_TRUE(process.wait_for_line("^got key$"));
  process.close_stdin();
  EXPECT_TRUE(process.wait_for_line("^end$"));
  EXPECT_EQ(process.wait_exit(), (ExitStatus{0, 0}));
}

TEST(SupportWait, ConditionAndDeadline) {
  std::atomic<bool> flag = false;
  std::thread setter([&] { flag = true; });
  EXPECT_TRUE(wait_until([&] { return flag.load(); }));
  setter.join();
  EXPECT_FALSE(wait_until([] { return false; }, Milliseconds(5)));
}

TEST(SupportTempDir, IsGoneAfterwards) {
  std::filesystem::path path;
  {
    const TempDir dir;
    path = dir.path();
    EXPECT_EQ(read_file(dir.write("sub/file", "content")), "content");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace bixws::test
