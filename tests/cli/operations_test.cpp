// SPDX-License-Identifier: Apache-2.0
// top, doctor and man: what whoever runs bixws at night looks at.
#include <gmock/gmock.h>
#include <signal.h>

#include "support/process.h"
#include "support/raw_json.h"
#include "support/serving.h"
#include "support/wire.h"

namespace bixws::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Finished bixws(std::vector<std::string> args, std::map<std::string, std::string> env = {}) {
  ProcessOptions options;
  options.args = std::move(args);
  options.env = std::move(env);
  return run(BIXWS_BINARY, options);
}

TEST(Top, ShowsARunningServer) {
  const Serving server(BIXWS_BINARY, {"--alerts", "price:above=1,name=line", "--token", "t0ken"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(server.ws("/?token=t0ken")));
  ASSERT_TRUE(client.next_text());
  const Finished text = bixws({"top", "--url", server.ws(), "--token", "t0ken"});
  ASSERT_EQ(text.exit, ExitStatus{}) << text.err;
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("healthy\n"), HasSubstr("clients     1"), HasSubstr("ALERT RULE"), HasSubstr("line")));

  const Finished json =
      bixws({"top", "--url", server.ws(), "--token", "t0ken", "--json", "-n", "2", "--interval", "100ms"});
  ASSERT_EQ(json.exit, ExitStatus{}) << json.err;
  const RawJson second =
      RawJson::parse_or_throw(json.out.substr(json.out.find('\n') + 1, json.out.rfind('\n') - json.out.find('\n') - 1));
  EXPECT_TRUE(second["healthy"].is_true());
  EXPECT_EQ(second["clients"].integer(), 1);
  EXPECT_GT(std::stod(second["events_per_s"].text()), 1);
  EXPECT_EQ(second["rules"][0]["name"].text(), "line");
}

TEST(Top, SaysThatThereIsNoServer) {
  const Finished gone = bixws({"top", "--url", "ws://127.0.0.1:1"});
  EXPECT_EQ(gone.exit.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("Connection refused"));
  const Serving server(BIXWS_BINARY, {"--token", "t0ken"});
  EXPECT_THAT(bixws({"top", "--url", server.ws()}).err, HasSubstr("HTTP 401"));
}

/// The findings of one check.
std::vector<RawJson> findings(const RawJson& all, const std::string& check) {
  std::vector<RawJson> found;
  for (const RawJson& one : all.items()) {
    if (one["check"].text() == check) found.push_back(one);
  }
  return found;
}

TEST(Doctor, LooksAtEverythingAndWorksOffline) {
  // An address nobody listens at: what an exchange is to a machine without internet.
  const Finished done =
      bixws({"doctor", "--json", "--port", "0", "--feed", "binance:url=ws://127.0.0.1:1,rest=http://127.0.0.1:1"},
            {{"HTTPS_PROXY", "http://127.0.0.1:1"}, {"HTTP_PROXY", ""}});
  EXPECT_EQ(done.exit, ExitStatus{}) << done.err << done.out;
  const RawJson all = RawJson::parse_or_throw(done.out);
  ASSERT_EQ(findings(all, "port").size(), 1U);
  EXPECT_EQ(findings(all, "port")[0]["verdict"].text(), "ok");
  EXPECT_EQ(findings(all, "files").size(), 1U);
  EXPECT_EQ(findings(all, "clock").size(), 1U);
  EXPECT_EQ(findings(all, "authorities")[0]["verdict"].text(), "ok");
  EXPECT_THAT(findings(all, "plugins")[0]["finding"].text(), HasSubstr("feed sim"));
  const auto binance = findings(all, "exchange binance");
  ASSERT_EQ(binance.size(), 2U);
  for (const RawJson& one : binance) {
    EXPECT_EQ(one["verdict"].text(), "warning");
    EXPECT_THAT(one["finding"].text(), HasSubstr("127.0.0.1:1"));
    EXPECT_THAT(one["remedy"].text(), HasSubstr("firewall"));
  }
}

TEST(Doctor, TellsABixwsOnThePortFromAnotherProgram) {
  const Serving server(BIXWS_BINARY);
  const Finished running = bixws({"doctor", "--offline", "--port", std::to_string(server.port())});
  EXPECT_EQ(running.exit.code, 0) << running.out;
  EXPECT_THAT(running.out, HasSubstr("a bixws is running there already"));
  EXPECT_THAT(running.out, HasSubstr("-> bixws top shows how it is"));
}

TEST(Doctor, LooksAtARunningServerToo) {
  const TempDir folder;
  const auto doctor = [&](const std::string& url) {
    return run(BIXWS_BINARY, {.args = {"doctor", "--offline", "--feed", "sim", "--port", "0", "--url", url},
                              .env = {{"HOME", folder.path().string()}}});
  };
  std::string url;
  {
    const Serving server(BIXWS_BINARY);
    url = server.ws();
    const Finished well = doctor(url);
    EXPECT_EQ(well.exit.code, 0) << well.out << well.err;
    EXPECT_NE(well.out.find("server: " + url + " is well"), std::string::npos) << well.out;
  }
  const Finished gone = doctor(url);
  EXPECT_EQ(gone.exit.code, 1);
  EXPECT_NE(gone.out.find("is a bixws running there?"), std::string::npos) << gone.out;
}

TEST(Doctor, FindsWhatServeWouldFailWith) {
  TempDir folder;
  const TlsServer tls(CertificateKind::expired);
  const std::string cert = folder.write("cert.pem", tls.certificate_pem()).string();
  const std::string key = folder.write("key.pem", tls.key_pem()).string();
  const Finished expired = bixws({"doctor", "--offline", "--port", "0", "--tls-cert", cert, "--tls-key", key});
  EXPECT_EQ(expired.exit.code, 1);
  EXPECT_THAT(expired.out, HasSubstr("problem  certificate: " + cert + " has expired"));
  const TlsServer other;
  const std::string wrong = folder.write("other.pem", other.key_pem()).string();
  const Finished mixed = bixws({"doctor", "--offline", "--port", "0", "--tls-cert", cert, "--tls-key", wrong});
  EXPECT_EQ(mixed.exit.code, 1) << mixed.out;
}

TEST(Man, HasAPageForEachCommandThatSaysWhatHelpSays) {
  TempDir folder;
  ASSERT_EQ(bixws({"man", "--dir", folder.path().string()}).exit, ExitStatus{});
  const std::string page = read_file(folder / "bixws-serve.1");
  EXPECT_THAT(page, AllOf(HasSubstr(".TH \"bixws\\-serve\" 1"), HasSubstr("\\fB\\-\\-port\\fR \\fIPORT\\fR"),
                          HasSubstr("bixws serve \\-\\-demo")));
  EXPECT_EQ(bixws({"man", "serve"}).out, page);
  EXPECT_EQ(bixws({"man", "sessions", "list"}).out, read_file(folder / "bixws-sessions-list.1"));
  EXPECT_EQ(bixws({"man", "serv"}).err, "bixws: unknown command serv; did you mean serve?\n");
  EXPECT_THAT(read_file(folder / "bixws.1"), HasSubstr(".BR bixws\\-alerts\\-test (1)"));
}

}  // namespace
}  // namespace bixws::test
