// What both ends of the pipe agree on; docs/process-protocol.md says the same in words.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "process/wire.hpp"

namespace pombo {

inline constexpr int kProtocol = 1;
inline constexpr int kPipe = 3;  // where the child finds its end

inline constexpr std::uint32_t kLongestFrame = 64u << 20;
inline constexpr std::size_t kMostDescriptors = 8;  // beside one frame
// Of a child's calls that core has not answered yet; its own side waits before there are more.
inline constexpr std::size_t kMostCalls = 64;
inline constexpr std::size_t kMostBytes = 128u << 20;  // of those together
// The other way, so that a block that hangs does not collect threads without end.
inline constexpr std::size_t kMostCallsOfCore = 256;

inline constexpr std::chrono::seconds kPingEvery{5};
inline constexpr std::chrono::seconds kLongestSilence{20};  // of a child
inline constexpr std::chrono::seconds kLongestSilenceOfCore{120};

// The first thing that a child says.
struct Ready {
  int protocol = 0;
  std::string abi = {};  // of a library that was opened; empty when there is none
  std::string name = {};
  std::string version = {};
  std::vector<std::string> protection = {};  // what is in force: "landlock", "seccomp", ...
  bool operator==(const Ready&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ready, (), (protocol, abi, name, version, protection))

// What a block is before it starts, and which sides it has once it has.
struct Declared {
  std::vector<Field> fields = {};
  std::vector<Field> options = {};
  bool operator==(const Declared&) const = default;
};
BOOST_DESCRIBE_STRUCT(Declared, (), (fields, options))

struct Sides {
  bool connector = false;
  bool enricher = false;
  bool proxies = false;
  bool operator==(const Sides&) const = default;
};
BOOST_DESCRIBE_STRUCT(Sides, (), (connector, enricher, proxies))

}  // namespace pombo
