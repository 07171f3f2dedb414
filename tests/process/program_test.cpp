// A block that is a program: what it is given, and what it cannot reach.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>

#include "caged.hpp"
#include "process/own_folder.hpp"
#include "process/sandbox.hpp"

namespace pombo {
namespace {

namespace fs = std::filesystem;

class Caged {
 public:
  explicit Caged(const std::string& folder) : Caged(cagedIn(folder)) {}
  explicit Caged(const Isolation& isolation) : block(isolation, nullptr) { block.start(host); }
  ~Caged() { block.stop(); }

  Json perform(const std::string& operation, const std::string& path = "") {
    return static_cast<IBlockConfigurator&>(block).connector()->perform(kShop, operation,
                                                                        {{"path", path}});
  }
  int errnoOf(const std::string& operation, const std::string& path) {
    return static_cast<int>(perform(operation, path).at("errno").as_int64());
  }
  bool has(const std::string& protection) const {
    const auto all = block.protection();
    return std::find(all.begin(), all.end(), protection) != all.end();
  }

  SharedHost host;
  RemoteBlock block;
};

TEST(Program, IsConfinedByWhoeverStartsItWhateverItSays) {
  Around around;
  const Caged caged(around.folder());
  EXPECT_TRUE(caged.has("limits"));
  EXPECT_TRUE(caged.has("seccomp"));
  EXPECT_EQ(caged.has("user"), ::geteuid() == 0);
  EXPECT_FALSE(caged.has("magic"));
}

TEST(Program, FindsItsArgumentsAndItsLimits) {
  Around around;
  Caged caged(around.folder());
  const Json state = caged.perform("state");
  EXPECT_EQ(state.at("arguments").at(0), "");
  const Json limits = boost::json::parse(state.at("arguments").at(1).as_string());
  EXPECT_EQ(limits.at("memoryMb"), 64);
  EXPECT_EQ(limits.at("folder"), Json(around.folder()));
  for (const auto& name : state.at("environment").as_array())
    EXPECT_FALSE(name.as_string().starts_with("POMBO")) << name;
  EXPECT_EQ(state.at("limits").at("AS"), -1) << "runtimes set address space aside";
  EXPECT_EQ(state.at("limits").at("CORE"), 0);
  EXPECT_EQ(state.at("limits").at("NOFILE"), 256);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose memory is their own
  EXPECT_EQ(state.at("limits").at("DATA"), 512 << 20);
  EXPECT_EQ(state.at("limits").at("FSIZE"), std::int64_t{4} << 30);
#endif
}

TEST(Program, WritesInItsFolderAndNowhereElse) {
  Around around;
  Caged caged(around.folder());
  const std::string own = around.folder();
  EXPECT_EQ(caged.errnoOf("makeFolder", own + "/i-1"), 0);
  EXPECT_EQ(caged.errnoOf("write", own + "/i-1/session.db"), 0);
  EXPECT_EQ(caged.errnoOf("read", own + "/i-1/session.db"), 0);
  EXPECT_EQ(caged.errnoOf("list", own), 0);
  EXPECT_EQ(caged.errnoOf("remove", own + "/i-1/session.db"), 0);
  struct stat about {};
  ASSERT_EQ(::stat(own.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
  EXPECT_EQ(about.st_uid, userOf("caged"));
  EXPECT_EQ(caged.errnoOf("write", (around.path() / "beside").string()), EACCES);
  if (!caged.has("landlock")) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(caged.errnoOf("makeLink", own + "/link"), EACCES);
  EXPECT_EQ(caged.errnoOf("list", around.path()), EACCES);
  EXPECT_EQ(caged.errnoOf("read", "/etc/passwd"), EACCES);
}

TEST(Program, StartsNoOther) {
  Around around;
  Caged caged(around.folder());
  for (const char* how : {"run", "execveat", "fork"})
    EXPECT_EQ(caged.errnoOf(how, "/usr/bin/python3"), EPERM) << how;
}

TEST(Program, IsStartedAgainInTheSameFolder) {
  Around around;
  Caged caged(around.folder());
  const std::string file = around.folder() + "/kept";
  EXPECT_EQ(caged.errnoOf("write", file), 0);
  EXPECT_EQ(errorOf([&] { caged.perform("exit"); }),
            "timedOut: The caged block exited with status 7");
  EXPECT_EQ(caged.errnoOf("read", file), 0);
  EXPECT_EQ(caged.host.counter("crashes"), 1);
}

TEST(Program, HasDoneNothingOfWhatItIsAskedWhenItIsGone) {
  Around around;
  Isolation isolation = cagedIn(around.folder());
  isolation.crashes = 1;
  Caged caged(isolation);
  EXPECT_EQ(errorOf([&] { caged.perform("exit"); }),
            "timedOut: The caged block exited with status 7")
      << "it may have done it";
  EXPECT_TRUE(caged.host.waitForGauge("quarantined", 1));
  EXPECT_EQ(errorOf([&] { caged.perform("exit"); }),
            "unavailable: The caged block is in quarantine: it exited with status 7");
}

// A user that cannot get to its folder is of no use; the gateway's own can, and needs no more.
TEST(Program, IsTheGatewaysUserWithoutCapabilitiesWhereAnotherCannotPass) {
  Around around(true);
  Caged caged(around.folder());
  const Json state = caged.perform("state");
  EXPECT_EQ(state.at("user"), ::geteuid());
  EXPECT_EQ(state.at("capabilities"), 0);
  EXPECT_FALSE(caged.has("user"));
  EXPECT_EQ(caged.errnoOf("write", around.folder() + "/kept"), 0);
}

TEST(Program, IsWhoeverItsFolderBelongsTo) {
  Around around;
  fs::create_directory(around.folder());
  fs::permissions(around.folder(), fs::perms(0700));
  std::ofstream(around.folder() + "/kept") << "from before";
  Caged caged(around.folder());
  EXPECT_EQ(caged.perform("state").at("user"), ::geteuid());
  EXPECT_EQ(caged.errnoOf("write", around.folder() + "/kept"), 0);
}

TEST(Program, AFolderOfSomebodyElsesIsRefused) {
  Around around;
  fs::create_directory(around.folder());
  fs::permissions(around.folder(), fs::perms(0755));
  EXPECT_EQ(errorOf([&] { const Caged caged(around.folder()); }),
            "unavailable: The caged block did not load: process.folder " + around.folder() +
                " is open to others: chmod 700 it if it is for this alone");
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives folders away";
  fs::permissions(around.folder(), fs::perms(0700));
  ASSERT_EQ(::chown(around.folder().c_str(), 1, 1), 0);
  EXPECT_EQ(errorOf([&] { const Caged caged(around.folder()); }),
            "unavailable: The caged block did not load: process.folder " + around.folder() +
                " belongs to another user");
}

TEST(Program, IsNeverOpenedInside) {
  const std::string library = libraryOf("caged");
  EXPECT_EQ(programOf(library), fs::path(library).parent_path() / "caged_program.py");
  EXPECT_EQ(programOf(libraryOf("trouble")), "");
  EXPECT_EQ(errorOf([&] { load(library); }),
            "bug: " + library + ": is a program, which runs in a process of its own");
}

TEST(Program, LiesBesideItsLibrary) {
  Around around;
  std::ifstream in(libraryOf("caged"), std::ios::binary);
  const std::string library{std::istreambuf_iterator<char>(in), {}};
  const std::string name = "caged_program.py";
  const std::string file = (around.path() / "caged.so").string();
  for (const std::string other : {"/usr/bin/python3", "../usr/bin/pytho", ".aged_program.py"}) {
    std::string changed = library;
    ASSERT_EQ(other.size(), name.size());
    for (auto at = changed.find(name); at != changed.npos; at = changed.find(name, at))
      changed.replace(at, name.size(), other);
    std::ofstream(file, std::ios::binary) << changed;
    EXPECT_EQ(errorOf([&] { programOf(file); }),
              "bug: " + file + ": its program \"" + other + "\" is no file beside it");
  }
}

// What comes too late for one life has not ended it, and has no part in the next.
TEST(Program, IsAskedForNobodyWhileItIsDown) {
  Around around;
  SharedHost host;
  std::vector<std::string> asked;
  std::promise<void> down, goOn;
  int ends = 0;
  RemoteBlock block(
      cagedIn(around.folder()),
      [&](RemoteBlock::Fate fate) {
        if (fate != RemoteBlock::Fate::ended || ++ends < 2) return;
        down.set_value();
        goOn.get_future().wait();
      },
      [&](const InstanceId& id) {
        asked.push_back(id.value);
        return id.value != "elsewhere";
      });
  block.start(host);
  const auto perform = [&](const std::string& name, const std::string& operation) {
    Instance instance = kShop;
    instance.id = {name};
    return errorOf([&] {
      static_cast<IBlockConfigurator&>(block).connector()->perform(instance, operation,
                                                                   {{"path", "/"}});
    });
  };
  const std::string isDown = "unavailable: The caged block is not running";
  EXPECT_NE(perform("first", "exit"), isDown);
  EXPECT_TRUE(host.waitForCounter("restarts", 1));
  EXPECT_NE(perform("second", "exit"), isDown);
  down.get_future().wait();
  EXPECT_EQ(perform("late", "state"), isDown);
  goOn.set_value();
  EXPECT_TRUE(host.waitForCounter("restarts", 2));
  EXPECT_EQ(perform("elsewhere", "state"), isDown);
  EXPECT_EQ(perform("third", "state"), "");
  EXPECT_EQ(asked, (std::vector<std::string>{"first", "second", "elsewhere", "third"}));
  block.stop();
}

TEST(Program, ThatIsNotThereIsTold) {
  Around around;
  const std::string file = (around.path() / "caged.so").string();
  fs::copy_file(libraryOf("caged"), file);
  Isolation isolation = cagedIn("");
  isolation.child.library = file;
  EXPECT_EQ(errorOf([&] { RemoteBlock(isolation, nullptr); }),
            "unavailable: The caged block did not load: " +
                (around.path() / "caged_program.py").string() + ": No such file or directory");
}

}  // namespace
}  // namespace pombo
