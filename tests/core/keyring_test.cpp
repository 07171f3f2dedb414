#include "storage/keyring.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "storage/sealer.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

std::string contentOf(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::string& file, const std::string& text, mode_t mode = 0600) {
  std::ofstream(file) << text;
  ::chmod(file.c_str(), mode);
}

// What it says when it refuses; empty when it does not.
std::string refusalOf(const KeySource& source, bool mayCreate = false) {
  try {
    Keyring(source, mayCreate);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::string base64Key() { return toBase64(newKey().reveal()); }
std::string idOf(const std::string& base64) { return keyIdOf(Secret(*fromBase64(base64))); }

class KeyringTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  const std::string file_ = folder_.file("key");
};

TEST_F(KeyringTest, TheFileIsMadeOnceForItsOwnerAlone) {
  const Keyring first({"", file_}, true);
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const std::string content = contentOf(file_);
  const Keyring second({"", file_}, true);
  EXPECT_EQ(contentOf(file_), content);
  EXPECT_EQ(first.newest(), second.newest());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.file("")), {}), 1)
      << "nothing else is left in the folder";
}

TEST_F(KeyringTest, OfManyFirstStartsOneWinsAndAllReadTheSameKey) {
  constexpr int kStarts = 8;
  int ids[2], start[2];
  ASSERT_EQ(::pipe(ids), 0);
  ASSERT_EQ(::pipe(start), 0);
  for (int i = 0; i < kStarts; ++i)
    if (::fork() == 0) {
      char go;
      ::close(start[1]);
      static_cast<void>(::read(start[0], &go, 1));  // until the last writer closes
      std::string id(16, '!');
      try {
        id = Keyring({"", file_}, true).newest();
      } catch (const std::exception&) {
      }
      static_cast<void>(::write(ids[1], id.data(), 16));
      ::_exit(0);
    }
  ::close(start[0]);
  ::close(start[1]);
  std::set<std::string> seen;
  for (int i = 0; i < kStarts; ++i) {
    std::string id(16, '?');
    ASSERT_EQ(::read(ids[0], id.data(), 16), 16);
    seen.insert(id);
    ::wait(nullptr);
  }
  EXPECT_EQ(seen, std::set<std::string>{Keyring({"", file_}, false).newest()});
  ::close(ids[0]);
  ::close(ids[1]);
}

TEST_F(KeyringTest, AMissingFileOfASealedDatabaseIsNotMadeAnew) {
  EXPECT_NE(refusalOf({"", file_}).find("is missing"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(KeyringTest, AFileThatOthersCanReadIsRefused) {
  const std::string key = base64Key();
  for (const mode_t mode : {0640, 0604, 0660, 0644, 0601}) {
    put(file_, key + "\n", mode);
    const std::string said = refusalOf({"", file_});
    EXPECT_NE(said.find("chmod 600"), std::string::npos) << mode;
    EXPECT_EQ(said.find(key), std::string::npos);
  }
}

TEST_F(KeyringTest, WhatRootHandsToTheGroupOfAServiceIsRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can hand something over";
  const auto readable = [this](mode_t mode) {
    put(file_, base64Key() + "\n", mode);
    if (::chown(file_.c_str(), 0, 65534) != 0) return -1;
    const pid_t service = ::fork();
    if (service == 0) {
      const bool changed =
          ::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0;
      ::_exit(!changed ? 2 : refusalOf({"", file_}).empty() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(service, &status, 0);
    return WEXITSTATUS(status);
  };
  ::chmod(folder_.file("").c_str(), 0711);
  EXPECT_EQ(readable(0440), 0);
  EXPECT_EQ(readable(0640), 0);
  EXPECT_EQ(readable(0660), 1) << "the service could lose it";
  EXPECT_EQ(readable(0444), 1);
}

TEST_F(KeyringTest, WhatIsNoKeyIsRefusedWithoutBeingShown) {
  const std::string good = base64Key();
  for (const std::string& bad :
       {std::string("canary-not-base64!"), toBase64(std::string(31, 'c')),
        toBase64(std::string(33, 'c')), good + " ", good + "\n" + "canary"}) {
    put(file_, bad);
    const std::string said = refusalOf({"", file_});
    EXPECT_NE(said.find("not 32 bytes in base64"), std::string::npos) << said;
    EXPECT_EQ(said.find(bad.substr(0, 12)), std::string::npos) << said;
    EXPECT_NE(refusalOf({bad, file_}).find("POMBO_MASTER_KEY"), std::string::npos);
  }
  put(file_, "\n\n");
  EXPECT_NE(refusalOf({"", file_}).find("holds no key"), std::string::npos);
  EXPECT_NE(refusalOf({",,", file_}).find("holds no key"), std::string::npos);
}

TEST_F(KeyringTest, TheEnvironmentWinsAndMakesNoFile) {
  const std::string fresh = base64Key(), old = base64Key();
  Keyring keyring({fresh + "," + old, file_}, true);
  EXPECT_FALSE(keyring.fromFile());
  EXPECT_EQ(keyring.newest(), idOf(fresh));
  EXPECT_EQ(keyring.ids(), (std::vector<std::string>{idOf(fresh), idOf(old)}));
  EXPECT_EQ(keyring.find(idOf(old))->reveal(), *fromBase64(old));
  EXPECT_FALSE(keyring.find("0123456789abcdef"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(KeyringTest, AKeyThatAnotherProcessHasAddedIsFound) {
  Keyring here({"", file_}, true), there({"", file_}, true);
  const std::string first = here.newest(), second = there.add();
  EXPECT_EQ(there.newest(), second);
  EXPECT_EQ(here.newest(), first) << "not read yet";
  EXPECT_TRUE(here.find(second));
  EXPECT_TRUE(here.find(first));
  EXPECT_EQ(here.newest(), second);
}

TEST_F(KeyringTest, TwoThatAddDoNotTakeEachOthersKeyAway) {
  Keyring here({"", file_}, true), there({"", file_}, true);
  const auto first = here.newest(), second = here.add(), third = there.add();
  EXPECT_EQ(Keyring({"", file_}, false).ids(), (std::vector<std::string>{third, second, first}));
}

TEST_F(KeyringTest, OldKeysGo) {
  Keyring keyring({"", file_}, true);
  const auto first = keyring.newest();
  const auto second = keyring.add();
  keyring.keepOnly(second);
  EXPECT_EQ(keyring.ids(), std::vector<std::string>{second});
  EXPECT_EQ(Keyring({"", file_}, false).ids(), std::vector<std::string>{second});
  EXPECT_FALSE(Keyring({"", file_}, false).find(first));
  EXPECT_TRUE(keyring.find(first)) << "what it has sealed may have been read just before";
  struct stat info {};
  ::stat(file_.c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(KeyringTest, TheLastKeyIsNeverTakenOut) {
  Keyring keyring({"", file_}, true);
  const auto id = keyring.newest();
  EXPECT_THROW(keyring.keepOnly("0123456789abcdef"), std::runtime_error);
  EXPECT_EQ(Keyring({"", file_}, false).newest(), id);
}

TEST_F(KeyringTest, AnIdTellsKeysApartAndNothingOfThem) {
  const std::string key = base64Key();
  EXPECT_EQ(idOf(key), idOf(key));
  EXPECT_NE(idOf(key), idOf(base64Key()));
  EXPECT_EQ(idOf(key).size(), 16u);
  EXPECT_EQ(idOf(key).find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(SecretTest, WipeClearsEveryByteTheTextHasRoomFor) {
  for (const std::size_t size : {15u, 200u}) {
    std::string text(size, 'k');
    const char* const bytes = text.data();
    text.resize(3);  // the rest is still there
    wipe(text);
    EXPECT_TRUE(text.empty());
    ASSERT_EQ(text.data(), bytes) << "the same buffer, still the text's";
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(bytes[i], '\0') << i << " of " << size;
  }
}

TEST(SecretTest, WhatAShortSecretWasMadeOfIsWiped) {
  std::string from(15, 'k');
  const char* const bytes = from.data();
  {
    const Secret taken(std::move(from));
    EXPECT_EQ(taken.reveal(), std::string(15, 'k'));
  }
  wipe(from);  // NOLINT: what a caller does who moved it in
  for (std::size_t i = 0; i < 15; ++i) ASSERT_EQ(bytes[i], '\0') << i;
}

TEST(SecretTest, AMovedSecretLeavesNothingBehind) {
  for (const std::size_t size : {5u, 15u, 500u}) {
    Secret from(std::string(size, 'k'));
    const Secret to(std::move(from));
    EXPECT_EQ(to.reveal(), std::string(size, 'k'));
    EXPECT_TRUE(from.empty());  // NOLINT: looked at on purpose
    EXPECT_EQ(to.copy().reveal(), to.reveal());
  }
}

}  // namespace
}  // namespace pombo
