// SPDX-License-Identifier: Apache-2.0
// The handshake, and the child process that tries it first.
#include "host/plugin_file.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <set>

#include "host/spec.h"

namespace bixws::host {
namespace {

constexpr const char* kSymbol = "bixws_plugin_v1";
constexpr const char* kVenueSymbol = "bixws_venue_v1";
constexpr std::uint32_t kMostOptions = 1000;

std::string abi_text(unsigned major, unsigned minor) { return std::to_string(major) + "." + std::to_string(minor); }

std::string quoted(const char* text) { return text == nullptr ? "nothing" : "\"" + std::string(text) + "\""; }

/// Why the file cannot even be handed to dlopen, whose own words ("invalid ELF header") help few users.
std::string check_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::string("cannot be read: ") + std::strerror(errno);
  char magic[4] = {};
  const auto count = ::read(fd, magic, sizeof magic);
  const int error = errno;
  ::close(fd);
  if (count < 0) return std::string("cannot be read: ") + std::strerror(error);
  if (count < 4 || std::memcmp(magic, "\177ELF", 4) != 0) return "is not a shared library";
  return {};
}

std::string check_options(const Descriptor& d) {
  if (d.option_count > kMostOptions || (d.option_count > 0 && d.options == nullptr)) return "has a broken option table";
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < d.option_count; ++i) {
    const Option& option = d.options[i];
    if (option.name == nullptr || *option.name == '\0' || option.help == nullptr || option.type > OptionType::list) {
      return "has a broken option table: row " + std::to_string(i + 1);
    }
    if (!names.insert(option.name).second) return "names its option " + std::string(option.name) + " twice";
  }
  return {};
}

std::string check(const Descriptor& d, const std::string& kind, const std::string& name) {
  if (d.magic != kPluginMagic) return "answers with something else than a plugin descriptor";
  const std::string ours = abi_text(BIXWS_ABI_MAJOR, BIXWS_ABI_MINOR);
  if (d.abi_major != BIXWS_ABI_MAJOR || d.abi_minor > BIXWS_ABI_MINOR) {
    return "is made for plugin ABI " + abi_text(d.abi_major, d.abi_minor) + ", this bixws has " + ours +
           "; build it against this version";
  }
  if (d.struct_size != sizeof(Descriptor)) {
    return "has a descriptor of " + std::to_string(d.struct_size) + " bytes where ABI " + ours + " has " +
           std::to_string(sizeof(Descriptor)) + "; build it against this version";
  }
  if (d.toolchain == nullptr || std::strcmp(d.toolchain, BIXWS_TOOLCHAIN) != 0) {
    return "is built by another toolchain (" + quoted(d.toolchain) +
           ", this bixws: \"" BIXWS_TOOLCHAIN "\"); build it with the same compiler family";
  }
  if (d.kind == nullptr || d.name == nullptr || kind != d.kind || name != d.name) {
    return "calls itself " + quoted(d.kind) + " " + quoted(d.name) + ", which is not what its file name says";
  }
  if (d.version == nullptr || d.description == nullptr) return "has no version or no description";
  const int makers =
      (d.make_source != nullptr ? 1 : 0) + (d.make_dialect != nullptr ? 1 : 0) + (d.make_sink != nullptr ? 1 : 0);
  if (makers != 1 || (kind == "sink") != (d.make_sink != nullptr)) {
    return "must have exactly one way to make a " + kind;
  }
  return check_options(d);
}

// ---- the child's answer: a mark, then length-prefixed texts -----------------------------------------------------

constexpr char kMark = '\x06';

void put(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(text);
}

bool take(std::string_view& in, std::string& text) {
  std::uint32_t size = 0;
  if (in.size() < sizeof size) return false;
  std::memcpy(&size, in.data(), sizeof size);
  in.remove_prefix(sizeof size);
  if (in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

std::string encode(const Opened& opened) {
  std::string out(1, kMark);
  put(out, opened.problem);
  if (opened.descriptor == nullptr) return out;
  const Descriptor& d = *opened.descriptor;
  for (const char* text : {d.kind, d.name, d.version, d.description}) put(out, text);
  for (std::uint32_t i = 0; i < d.option_count; ++i) {
    const Option& option = d.options[i];
    put(out, option.name);
    put(out, std::string(1, static_cast<char>('0' + static_cast<int>(option.type))));
    put(out, option.fallback == nullptr ? std::string() : std::string("=") + option.fallback);
    put(out, option.help);
    put(out, option.secret ? "1" : "");
  }
  return out;
}

bool decode(std::string_view in, Probed& probed) {
  if (in.empty() || in[0] != kMark) return false;
  in.remove_prefix(1);
  if (!take(in, probed.problem)) return false;
  if (!probed.problem.empty()) return true;
  PluginFacts& facts = probed.facts;
  for (std::string* text : {&facts.kind, &facts.name, &facts.version, &facts.description}) {
    if (!take(in, *text)) return false;
  }
  while (!in.empty()) {
    OptionRow row;
    std::string type;
    std::string fallback;
    std::string secret;
    if (!take(in, row.name) || !take(in, type) || !take(in, fallback) || !take(in, row.help) || !take(in, secret)) {
      return false;
    }
    row.type = static_cast<OptionType>(type[0] - '0');
    if (!fallback.empty()) row.fallback = fallback.substr(1);
    row.secret = !secret.empty();
    facts.options.push_back(std::move(row));
  }
  return true;
}

[[noreturn]] void probe_in_child(int answer_fd, const std::string& path, const std::string& kind,
                                 const std::string& name) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nothing, fd);
  const std::string answer = encode(open_plugin(path, kind, name));
  std::size_t sent = 0;
  while (sent < answer.size()) {
    const auto count = ::write(answer_fd, answer.data() + sent, answer.size() - sent);
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  ::_exit(0);
}

/// Reads until the child has closed its end; false at the deadline.
bool read_all(int fd, std::string& text, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    if (p.revents == 0) continue;
    char part[4096];
    const auto count = ::read(fd, part, sizeof part);
    if (count == 0) return true;
    if (count > 0) text.append(part, static_cast<std::size_t>(count));
  }
}

}  // namespace

Opened open_plugin(const std::string& path, const std::string& kind, const std::string& name) {
  if (std::string problem = check_file(path); !problem.empty()) return {nullptr, std::move(problem)};
  // Never unloaded: strings and vtables of it may be referred to until the very end.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    return {nullptr, std::string("cannot be loaded: ") + (reason == nullptr ? "unknown reason" : reason)};
  }
  // Called through a type that may throw: a plugin in whatever language need not keep the header's promise.
  const auto entry = reinterpret_cast<const Descriptor* (*)()>(::dlsym(library, kSymbol));
  if (entry == nullptr) {
    return {nullptr, std::string("is not a plugin for this bixws: it has no symbol ") + kSymbol};
  }
  const Descriptor* descriptor = nullptr;
  try {
    descriptor = entry();
  } catch (const std::exception& e) {
    return {nullptr, std::string("threw an exception while loading: ") + e.what()};
  } catch (...) {
    return {nullptr, "threw an exception while loading"};
  }
  if (descriptor == nullptr) return {nullptr, "declined to load"};
  if (std::string problem = check(*descriptor, kind, name); !problem.empty()) return {nullptr, std::move(problem)};
  return {descriptor, {}};
}

Venue* make_venue(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  const auto entry = reinterpret_cast<Venue* (*)()>(::dlsym(library, kVenueSymbol));
  Venue* const venue = entry == nullptr ? nullptr : entry();
  ::dlclose(library);  // the count only: RTLD_NODELETE keeps it
  return venue;
}

Probed probe_plugin(const std::string& path, const std::string& kind, const std::string& name,
                    std::chrono::milliseconds patience) {
  Probed probed;
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) {
    probed.problem = std::string("cannot be probed: ") + std::strerror(errno);
    return probed;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    probe_in_child(pipe[1], path, kind, name);
  }
  ::close(pipe[1]);
  std::string answer;
  bool in_time = true;
  int status = 0;
  if (child > 0) {
    in_time = read_all(pipe[0], answer, patience);
    if (!in_time) ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(pipe[0]);
  if (child < 0) {
    probed.problem = "cannot be probed: no process for it";
  } else if (!in_time) {
    probed.problem = "did not finish loading within " + std::to_string(patience.count()) + " ms";
  } else if (WIFSIGNALED(status)) {
    probed.problem = std::string("crashed while loading (") + ::strsignal(WTERMSIG(status)) + ")";
  } else if (!decode(answer, probed)) {
    probed.problem = "ended the process while loading (exit code " + std::to_string(WEXITSTATUS(status)) + ")";
  }
  return probed;
}

}  // namespace bixws::host
