// pombo-block-host <library> <limits>: runs one block behind the pipe that it finds as descriptor
// 3, or becomes the program that the library names. It locks itself in before any code of the
// block's runs.
#include <fcntl.h>
#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <system_error>

#include "block/loader.hpp"
#include "process/child_host.hpp"
#include "process/program.hpp"
#include "process/sandbox.hpp"

namespace {

using namespace pombo;

constexpr Peer::Limits kOfCore{kMostCallsOfCore, SIZE_MAX, std::chrono::seconds(0),
                               kLongestSilenceOfCore, kPingEvery};

// What the loader says of the library, under the name that the operator knows.
std::string named(std::string text, const std::string& path, const std::string& library) {
  for (auto at = text.find(path); at != text.npos; at = text.find(path, at + library.size()))
    text.replace(at, path.size(), library);
  return text;
}

[[noreturn]] void refuse(Peer& core, const std::string& why) {
  core.post("refused", pack(why));
  ::_exit(1);
}

// Returns when the library is the block itself.
void becomeItsProgram(const std::string& library, const ProcessLimits& limits) {
  try {
    const std::string program = programOf(library);
    if (!program.empty()) becomeProgram(inspect(library).name, program, limits);
  } catch (const std::exception& error) {
    Peer core(kPipe, kOfCore);
    refuse(core, error.what());
  }
}

// Does not return: when core is gone nothing is left to wait for, whatever the block's threads do.
[[noreturn]] void run(const std::string& library, const ProcessLimits& limits) {
  Peer core(kPipe, kOfCore);
  ChildHost host(core);
  std::unique_ptr<IBlockConfigurator> block;
  // Opened before its path is out of reach: its folder may be the gateway's alone.
  const Descriptor file(::open(library.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  try {
    if (!file) throw std::system_error(errno, std::generic_category(), library);
    const BlockMetadata metadata = inspect(path);
    const auto protection = enterSandbox(metadata.name, file.get(), limits);
    block = load(path);
    core.calls = host.callsOf(*block);
    core.posts = host.postsOf();
    core.post("ready",
              pack(Ready{kProtocol, metadata.abi, metadata.name, metadata.version, protection}));
  } catch (const std::exception& error) {
    refuse(core, named(error.what(), path, library));
  }
  core.serve();
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("pombo starts this program for blocks in a process of their own\n", stderr);
    return 2;
  }
  ::mallopt(M_ARENA_MAX, 4);
  try {
    const auto limits = boost::json::value_to<ProcessLimits>(boost::json::parse(argv[2]));
    becomeItsProgram(argv[1], limits);
    run(argv[1], limits);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  } catch (const Peer::Gone&) {
    std::fputs("the gateway is gone\n", stderr);
  }
  ::_exit(1);
}
