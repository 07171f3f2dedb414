#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "pombo/abi.hpp"

namespace {

// The contract as it was when it got its number.
constexpr int kContract = 4;
constexpr std::uint64_t kHash = 0x853f01c13a7f34f1;

// FNV-1a over the headers in the order of their names; testing/ is no part of what blocks agree on.
std::uint64_t hashOfHeaders() {
  std::vector<std::filesystem::path> headers;
  for (const auto& entry :
       std::filesystem::directory_iterator(POMBO_SOURCE_DIR "/core/include/pombo"))
    if (entry.path().extension() == ".hpp") headers.push_back(entry.path());
  std::sort(headers.begin(), headers.end());
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& header : headers) {
    std::ifstream file(header, std::ios::binary);
    for (auto at = std::istreambuf_iterator<char>(file); at != std::istreambuf_iterator<char>();
         ++at)
      hash = (hash ^ static_cast<unsigned char>(*at)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

TEST(Contract, ChangesWithItsNumberOnly) {
  const auto hash = hashOfHeaders();
  EXPECT_TRUE(hash == kHash && POMBO_CONTRACT == kContract)
      << "bump POMBO_CONTRACT, add a CHANGELOG line, then set the hash to 0x" << std::hex << hash;
}

TEST(Contract, TheAbiNamesAllThatMustAgree) {
  const std::string abi = POMBO_ABI;
  EXPECT_EQ(abi.rfind("pombo-" + std::to_string(POMBO_CONTRACT) + " libstdc++-", 0), 0u) << abi;
  EXPECT_NE(abi.find(" boost-" BOOST_LIB_VERSION), abi.npos) << abi;
  EXPECT_LT(abi.size(), sizeof(pombo::BlockMetadata::abi));
}
