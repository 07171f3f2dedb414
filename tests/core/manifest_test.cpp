#include "block/manifest.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "temp_store.hpp"

namespace pombo {
namespace {

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() { write("shop.so", "abc"); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(name)) << text;
    return folder_.file(name);
  }
  Origin originIn(const std::string& manifest) const {
    return originOf(folder_.file("shop.so"), write("manifest.json", manifest));
  }

  TempFolder folder_;
};

constexpr auto kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_F(ManifestTest, TellsWhatCameWithTheBuildFromWhatDidNot) {
  EXPECT_EQ(originIn(R"({"shop.so": ")" + std::string(kOfAbc) + R"("})"), Origin::shipped);
  EXPECT_EQ(originIn(R"({"other.so": ")" + std::string(kOfAbc) + R"("})"), Origin::foreign);
  EXPECT_EQ(originIn(R"({"shop.so": "00"})"), Origin::changed);
  EXPECT_EQ(originIn(R"({"shop.so": 7})"), Origin::changed);
  EXPECT_EQ(originIn("{}"), Origin::foreign);
}

TEST_F(ManifestTest, WithoutOneEveryLibraryIsForeign) {
  EXPECT_EQ(originOf(folder_.file("shop.so"), folder_.file("none.json")), Origin::foreign);
}

TEST_F(ManifestTest, OneThatIsNoneIsNamed) {
  for (const auto* text : {"", "[]", "{"}) try {
      originIn(text);
      ADD_FAILURE() << text;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), folder_.file("manifest.json") + ": is no manifest");
    }
}

TEST_F(ManifestTest, TheBuildHasWrittenOne) {
  EXPECT_EQ(originOf(POMBO_BLOCK_LIBRARY, POMBO_MANIFEST), Origin::shipped);
}

}  // namespace
}  // namespace pombo
