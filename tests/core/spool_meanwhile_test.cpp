// What others do while a file is being written.
#include <gtest/gtest.h>

#include <limits>

#include "media/spool.hpp"
#include "temp_spool.hpp"

namespace pombo {
namespace {

// Asked once for each file, when it is open and nothing is in it yet.
class InterruptingClock final : public IClock {
 public:
  TimePoint now() const override {
    if (const auto meanwhile = std::exchange(meanwhile_, nullptr)) meanwhile();
    return {};
  }
  mutable std::function<void()> meanwhile_;
};

class SpoolMeanwhileTest : public ::testing::Test {
 protected:
  std::string refusalOf(const InstanceId& instance, char id, const Media& media) {
    try {
      spool().put(instance, idOf(id), media);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  Spool& spool() {
    if (!spool_) spool_.emplace(temp_.options, clock_, temp_.log);
    return *spool_;
  }

  TempSpool temp_;
  InterruptingClock clock_;
  std::optional<Spool> spool_;
};

TEST_F(SpoolMeanwhileTest, OneWhoseFolderIsForgottenIsWrittenAgain) {
  clock_.meanwhile_ = [&] { spool().forget(kShop); };
  EXPECT_EQ(refusalOf(kShop, 'a', mediaNamed("a.png", "bytes")), "");
  EXPECT_TRUE(spool().endOf(idOf('a')));
  EXPECT_EQ(temp_.sizes().size(), 1u);
  EXPECT_EQ(spool().files(), 1u);
}

TEST_F(SpoolMeanwhileTest, WhatIsBeingWrittenIsNotFreeForAnother) {
  Media large = mediaNamed("a.png", "bytes");
  large.size =
      std::filesystem::space(temp_.options.folder.substr(0, temp_.options.folder.rfind('/')))
          .available /
      5 * 3;
  temp_.options.bytes = temp_.options.instanceBytes = temp_.options.largest =
      std::numeric_limits<std::int64_t>::max();
  std::string second;
  clock_.meanwhile_ = [&] { second = refusalOf(kOther, 'b', large); };
  EXPECT_EQ(refusalOf(kShop, 'a', large), "Media could not be read") << "it had room";
  EXPECT_EQ(second, "Media storage is full");
  EXPECT_EQ(refusalOf(kOther, 'b', large), "Media could not be read") << "it is given back";
  EXPECT_EQ(spool().bytes(), 0u);
}

}  // namespace
}  // namespace pombo
