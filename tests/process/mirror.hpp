// The mirror block, opened inside or in a process of its own, over a host in memory.
#pragma once

#include <gtest/gtest.h>

#include "block/loader.hpp"
#include "process/remote_block.hpp"
#include "shared_host.hpp"

namespace pombo {

inline const Instance kShop{{"i-1"},
                            {"a-1"},
                            "shop",
                            "mirror",
                            "connected",
                            "5511988880000@s.whatsapp.net",
                            TimePoint(std::chrono::milliseconds(1'795'257'000'000))};

inline std::string libraryOf(const std::string& name) {
  return std::string(POMBO_TEST_BLOCKS "/") + name + ".so";
}

inline Isolation isolated(const std::string& name) {
  const std::string library = libraryOf(name);
  Isolation isolation;
  isolation.name = name;
  isolation.version = inspect(library).version;
  isolation.child = {.program = POMBO_BLOCK_HOST, .library = library, .limits = {}};
  isolation.child.limits.memoryMb = 4096;  // the sanitizers' own
  return isolation;
}

inline std::unique_ptr<IBlockConfigurator> opened(const std::string& name, bool apart) {
  if (apart) return std::make_unique<RemoteBlock>(isolated(name), nullptr);
  return load(libraryOf(name));
}

// The code and the sentence of the Error that `call` throws; empty when it throws none.
inline std::string errorOf(const std::function<void()>& call) {
  try {
    call();
    return "";
  } catch (const Error& error) {
    return std::string(boost::describe::enum_to_string(error.code, "?")) + ": " + error.what();
  } catch (const std::exception& bug) {
    return std::string("bug: ") + bug.what();
  }
}

class Mirror {
 public:
  explicit Mirror(bool apart) : block(opened("mirror", apart)) {
    host.fake.configNode = {{"tone", "green"}};
    host.fake.known = {kShop};
    host.fake.tokens = {{"t-1", kShop.id}};
    host.fake.time = kShop.createdAt;
    block->start(host);
  }
  ~Mirror() { stop(); }
  void stop() {
    if (block) block->stop();
    block = nullptr;
  }

  IConnector& connector() { return *block->connector(); }
  // Has the block ask this of its host.
  template <class R, class... A>
  R asked(const std::string& service, const A&... arguments) {
    return resultOf<R>({connector().perform(kShop, service, pack(arguments...).body), {}});
  }
  template <class... A>
  void ask(const std::string& service, const A&... arguments) {
    connector().perform(kShop, service, pack(arguments...).body);
  }
  std::string httpRequest(const std::string& to) { return host.httpSink->request({}, to, 1).url; }
  Json kept() { return block->summary(kShop).at("kept"); }

  SharedHost host;
  std::unique_ptr<IBlockConfigurator> block;
};

}  // namespace pombo
