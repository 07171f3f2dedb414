// What a block in a process of its own cannot reach.
#include "process/sandbox.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mirror.hpp"

namespace pombo {
namespace {

// With what a gateway keeps there, as it keeps it.
class DataFolder {
 public:
  DataFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "pombo-XXXXXX").string();
    if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
    path_ = path;
    for (const auto* name : {"pombo.db", "pombo.db.key"}) {
      std::ofstream(file(name)) << "a secret";
      std::filesystem::permissions(
          file(name), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
  }
  ~DataFolder() { std::filesystem::remove_all(path_); }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

class Sandbox : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ::setenv("POMBO_MASTER_KEY", "a-secret", 1); }
  static void TearDownTestSuite() { ::unsetenv("POMBO_MASTER_KEY"); }

  void SetUp() override { block_.start(host_); }
  void TearDown() override { block_.stop(); }

  Json perform(const std::string& operation, const std::string& path = "") {
    return static_cast<IBlockConfigurator&>(block_).connector()->perform(kShop, operation,
                                                                         {{"path", path}});
  }
  int errnoOf(const std::string& operation, const std::string& path = "") {
    return static_cast<int>(perform(operation, path).at("errno").as_int64());
  }
  bool has(const std::string& protection) {
    const auto all = block_.protection();
    return std::find(all.begin(), all.end(), protection) != all.end();
  }

  DataFolder data_;
  SharedHost host_;
  RemoteBlock block_{isolated("trouble"), nullptr};
};

TEST_F(Sandbox, SaysWhatIsInForce) {
  EXPECT_TRUE(has("limits"));
  EXPECT_TRUE(has("seccomp"));
  EXPECT_EQ(has("user"), ::geteuid() == 0);
}

TEST_F(Sandbox, NeitherTheDatabaseNorTheKeyCanBeRead) {
  if (!has("landlock") && !has("user")) GTEST_SKIP() << "this kernel offers nothing";
  for (const auto& file : {data_.file("pombo.db"), data_.file("pombo.db.key")}) {
    ASSERT_EQ(::access(file.c_str(), R_OK), 0) << file << " is not there to be read";
    EXPECT_EQ(errnoOf("read", file), EACCES) << file;
    EXPECT_EQ(errnoOf("write", file), EACCES) << file;
  }
  EXPECT_EQ(errnoOf("write", data_.file("new")), EACCES);
}

TEST_F(Sandbox, OfTheFileSystemThereIsWhatLibrariesNeed) {
  if (!has("landlock")) GTEST_SKIP() << "this kernel has no Landlock";
  for (const char* file : {"/etc/passwd", "/proc/1/environ", "/proc/version"})
    EXPECT_EQ(errnoOf("read", file), EACCES) << file;
  for (const char* folder : {"/", "/tmp", "/etc", "/proc"})
    EXPECT_EQ(errnoOf("list", folder), EACCES) << folder;
  EXPECT_EQ(errnoOf("read", "/dev/urandom"), 0);
  EXPECT_EQ(errnoOf("write", "/dev/null"), 0);
  EXPECT_EQ(errnoOf("read", "/etc/ld.so.cache"), 0);
}

TEST_F(Sandbox, ItsEnvironmentHoldsNothingOfOurs) {
  const std::string all = boost::json::serialize(perform("environment"));
  EXPECT_EQ(all.find("POMBO"), all.npos) << all;
  EXPECT_EQ(all.find("a-secret"), all.npos) << all;
  EXPECT_NE(all.find("PATH="), all.npos);
  EXPECT_NE(errnoOf("read", "/proc/" + std::to_string(::getpid()) + "/environ"), 0);
  EXPECT_NE(errnoOf("read", "/proc/" + std::to_string(::getpid()) + "/mem"), 0);
}

TEST_F(Sandbox, ThereAreNoOtherProgramsAndProcesses) {
  for (const char* operation : {"run", "fork", "kill", "trace", "unix"})
    EXPECT_EQ(errnoOf(operation), EPERM) << operation;
  EXPECT_EQ(errnoOf("tcp"), 0) << "a connector has someone to talk to";
}

TEST_F(Sandbox, NothingOutlivesItsProcessOrItsLimits) {
  for (const char* operation : {"shmget", "shmat", "shmctl", "semget", "semop", "semtimedop",
                                "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open"})
    EXPECT_EQ(errnoOf(operation), EPERM) << operation;
}

TEST_F(Sandbox, TheGatewayGetsNoSignalOfADescriptor) {
  for (const char* operation : {"F_SETOWN", "F_SETOWN_EX", "F_SETSIG", "FIOSETOWN", "SIOCSPGRP"})
    EXPECT_EQ(errnoOf(operation), EPERM) << operation;
  for (const char* operation : {"F_GETFL", "FIONBIO"})
    EXPECT_EQ(errnoOf(operation), 0) << "libraries need " << operation;
}

TEST_F(Sandbox, ItCannotWishToOutliveTheGateway) { EXPECT_EQ(errnoOf("PR_SET_PDEATHSIG"), EPERM); }

TEST_F(Sandbox, ItIsAnotherUserThanRoot) {
  const auto uid = perform("user").at("uid").as_int64();
  EXPECT_NE(uid, 0);
  if (::geteuid() == 0) {
    EXPECT_GE(uid, 61184);
  }
}

TEST(SandboxFiles, TheOperatorMayNameOthers) {
  DataFolder folder;
  const std::string file = folder.file("pombo.db");
  ::chmod(folder.file("").c_str(), 0755);
  ::chmod(file.c_str(), 0644);
  for (const bool named : {false, true}) {
    SharedHost host;
    Isolation isolation = isolated("trouble");
    if (named) isolation.child.limits.mayRead = {file};
    RemoteBlock block(isolation, nullptr);
    block.start(host);
    const auto protection = block.protection();
    if (std::find(protection.begin(), protection.end(), "landlock") == protection.end())
      GTEST_SKIP() << "this kernel has no Landlock";
    const Json said = static_cast<IBlockConfigurator&>(block).connector()->perform(
        kShop, "read", {{"path", file}});
    EXPECT_EQ(said.at("errno"), Json(named ? 0 : EACCES));
    block.stop();
  }
}

TEST(SandboxFiles, ANameThatIsNoFileIsAMistake) {
  Isolation isolation = isolated("trouble");
  isolation.child.limits.mayRead = {"/nowhere/at/all"};
  if (!knowsLandlock()) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(errorOf([&] { RemoteBlock(isolation, nullptr); }),
            "unavailable: The trouble block did not load: process.mayRead: no /nowhere/at/all");
}

}  // namespace
}  // namespace pombo
