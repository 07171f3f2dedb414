#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string contentsOf(const std::string& path) {
  std::ifstream file(POMBO_SOURCE_DIR "/" + path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST(WriteABlock, ShowsABlockThatIsBuiltAndTested) {
  const auto block = contentsOf("tests/external/greeter/greeter_block.cpp");
  EXPECT_NE(contentsOf("plugins/README.md").find("```cpp\n" + block + "```\n"), block.npos);
}
