#include "media/spool_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temp_store.hpp"

namespace pombo {
namespace {

namespace fs = std::filesystem;

class SpoolFolderTest : public ::testing::Test {
 protected:
  // What the operator reads, after the folder's name.
  std::string refusalOf(const std::string& path) {
    const std::string before = "media.folder " + path;
    try {
      makeOwnFolder(path);
      return "";
    } catch (const std::runtime_error& error) {
      const std::string text = error.what();
      EXPECT_TRUE(text.starts_with(before)) << text;
      return text.substr(std::min(before.size(), text.size()));
    }
  }
  static unsigned modeOf(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }

  TempFolder temp_;
  const std::string path_ = temp_.file("media");
};

TEST_F(SpoolFolderTest, ItIsMadeForNobodyElse) {
  for (const auto& path : {path_, temp_.file("a/b/c"), temp_.file("d/")}) {
    EXPECT_EQ(refusalOf(path), "");
    EXPECT_EQ(modeOf(path), 0700u);
    EXPECT_EQ(refusalOf(path), "") << "the next start finds it";
  }
}

TEST_F(SpoolFolderTest, OneThatIsOpenToOthersIsRefusedAndLeftAsItIs) {
  fs::create_directory(path_);
  for (const unsigned mode : {0755u, 0750u, 0710u, 0701u, 01777u}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(refusalOf(path_),
              " is open to others: chmod 700 it if it is for media alone, or name one that is not "
              "there");
    EXPECT_EQ(modeOf(path_), mode);
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0700), 0);
  fs::create_directory_symlink(path_, temp_.file("link"));
  EXPECT_EQ(refusalOf(temp_.file("link")), "");
}

TEST_F(SpoolFolderTest, OneOfAnotherUserIsRefused) {
  constexpr auto kForeign =
      " belongs to another user: chown it to the server's, or name one that is not there";
  if (::geteuid() != 0) {
    EXPECT_EQ(refusalOf("/"), kForeign);
    return;
  }
  fs::create_directory(path_);
  ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
  EXPECT_EQ(refusalOf(path_), kForeign);
}

TEST_F(SpoolFolderTest, WhatIsNoFolderIsRefused) {
  std::ofstream(path_) << "a file";
  EXPECT_EQ(refusalOf(path_), " is no folder");
  EXPECT_EQ(refusalOf(path_ + "/media"), ": Not a directory");
}

}  // namespace
}  // namespace pombo
