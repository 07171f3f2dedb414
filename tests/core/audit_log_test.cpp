#include "observe/audit_log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "temp_store.hpp"

namespace pombo {
namespace {

std::vector<boost::json::object> linesIn(const std::string& text) {
  std::istringstream in(text);
  std::vector<boost::json::object> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(boost::json::parse(line).as_object());
  return lines;
}

class AuditLogTest : public ::testing::Test {
 protected:
  std::string file() const { return folder_.file("audit.log"); }
  std::string content() const { return contentOf(file()); }
  static std::string contentOf(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  using Actions = std::vector<std::string>;
  Actions actions(const std::string& path) const {
    Actions found;
    for (const auto& line : linesIn(contentOf(path)))
      found.emplace_back(line.at("action").as_string());
    return found;
  }
  void write(AuditLog& audit, const std::string& action) {
    audit.write(action, "done", {{"by", "admin"}});
    audit.flush();
  }
  bool counted(const std::string& line) { return metrics_.text().find(line) != std::string::npos; }

  TempFolder folder_;
  Log log_{"off"};
  Metrics metrics_;
};

TEST_F(AuditLogTest, ALineSaysWhatWhoAndWhatCameOfIt) {
  AuditLog audit(file(), log_, metrics_);
  audit.write("account.create", "refused",
              {{"by", "admin"}, {"remote", "192.0.2.1"}, {"empty", ""}, {"null", nullptr}});
  audit.flush();
  const auto lines = linesIn(content());
  ASSERT_EQ(lines.size(), 1u);
  const auto& line = lines[0];
  EXPECT_EQ(line.at("scope"), "audit");
  EXPECT_EQ(line.at("level"), "info");
  EXPECT_EQ(line.at("message"), "Audit");
  EXPECT_EQ(line.at("action"), "account.create");
  EXPECT_EQ(line.at("outcome"), "refused");
  EXPECT_EQ(line.at("by"), "admin");
  EXPECT_EQ(line.at("remote"), "192.0.2.1");
  EXPECT_EQ(line.at("time").as_string().size(), std::string("2026-11-21T10:30:00.123Z").size());
  EXPECT_EQ(line.size(), 8u) << "nothing that is empty";
}

TEST_F(AuditLogTest, NobodyElseReadsIt) {
  AuditLog audit(file(), log_, metrics_);
  struct stat found {};
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(AuditLogTest, ItIsAppendedTo) {
  for (const auto* action : {"one", "two"}) {
    AuditLog audit(file(), log_, metrics_);
    audit.write(action, "done", {});
  }
  EXPECT_EQ(actions(file()), (Actions{"one", "two"}));
}

TEST_F(AuditLogTest, AFileThatIsMovedAwayIsBegunAnew) {
  AuditLog audit(file(), log_, metrics_);
  write(audit, "one");
  std::filesystem::rename(file(), file() + ".1");
  write(audit, "two");
  write(audit, "three");
  EXPECT_EQ(actions(file() + ".1"), Actions{"one"});
  EXPECT_EQ(actions(file()), (Actions{"two", "three"}));
}

TEST_F(AuditLogTest, ATruncatedFileIsWrittenFromItsBeginning) {
  AuditLog audit(file(), log_, metrics_);
  write(audit, "one");
  std::filesystem::resize_file(file(), 0);
  write(audit, "two");
  EXPECT_EQ(actions(file()), Actions{"two"});
}

TEST_F(AuditLogTest, AFullDiskIsCountedAndToldOnce) {
  Log log("info");
  ::testing::internal::CaptureStderr();
  {
    AuditLog audit("/dev/full", log, metrics_);
    for (int i = 0; i < 5; ++i) write(audit, "one");
  }
  const auto said = linesIn(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].at("message"), "The audit log cannot be written");
  EXPECT_EQ(said[0].at("reason"), "No space left on device");
  EXPECT_EQ(said[0].at("level"), "error");
  EXPECT_TRUE(counted("pombo_audit_lines_total 5"));
  EXPECT_TRUE(counted("pombo_audit_lines_lost_total 5"));
}

TEST_F(AuditLogTest, ItGoesOnWhenItCanBeWrittenAgain) {
  Log log("info");
  const std::string folder = folder_.file("mounted");
  std::filesystem::create_directory(folder);
  ::testing::internal::CaptureStderr();
  {
    AuditLog audit(folder + "/audit.log", log, metrics_);
    write(audit, "one");
    std::filesystem::remove_all(folder);
    write(audit, "two");
    write(audit, "three");
    std::filesystem::create_directory(folder);
    write(audit, "four");
  }
  const auto said = linesIn(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1].at("message"), "The audit log is written again");
  EXPECT_EQ(said[1].at("lost"), 2);
  EXPECT_EQ(actions(folder + "/audit.log"), Actions{"four"});
}

// Many lines are one write, which a full disk may cut anywhere.
TEST_F(AuditLogTest, OfLinesThatAreWrittenTogetherThoseThatDoNotFitAreCounted) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  AuditLog audit(file(), log_, metrics_);
  const rlimit little{10'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  for (int i = 0; i < 200; ++i) audit.write("many", "done", {{"long", std::string(100, 'x')}});
  audit.flush();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  write(audit, "last");

  std::istringstream in(content());
  std::string last;
  int whole = 0, torn = 0;
  for (std::string line; std::getline(in, line); last = line) {
    boost::json::error_code error;
    boost::json::parse(line, error);
    ++(error ? torn : whole);
  }
  EXPECT_GT(whole, 10);
  EXPECT_LE(torn, 1);
  EXPECT_EQ(boost::json::parse(last).at("action"), "last");
  EXPECT_TRUE(counted("pombo_audit_lines_lost_total " + std::to_string(201 - whole)));
}

TEST_F(AuditLogTest, AFileThatCannotBeOpenedIsToldAtOnce) {
  EXPECT_THROW(AuditLog(folder_.file("nowhere") + "/audit.log", log_, metrics_),
               std::runtime_error);
}

TEST_F(AuditLogTest, LinesOfManyStayWhole) {
  AuditLog audit(file(), log_, metrics_), beside(file(), log_, metrics_);
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < 8; ++i)
      all.emplace_back([&, i] {
        for (int line = 0; line < 100; ++line)
          (i % 2 ? audit : beside).write("one", "done", {{"long", std::string(300, 'x')}});
      });
  }
  audit.flush();
  beside.flush();
  EXPECT_EQ(linesIn(content()).size(), 800u);
  EXPECT_TRUE(counted("pombo_audit_lines_lost_total 0"));
}

TEST_F(AuditLogTest, WithoutAFileItIsAmongTheLogsWhateverTheirLevel) {
  for (const auto* level : {"off", "error", "debug"}) {
    Log log(level);
    AuditLog audit("", log, metrics_);
    ::testing::internal::CaptureStderr();
    audit.write("one", "done", {});
    const auto lines = linesIn(::testing::internal::GetCapturedStderr());
    ASSERT_EQ(lines.size(), 1u) << level;
    EXPECT_EQ(lines[0].at("scope"), "audit");
  }
}

}  // namespace
}  // namespace pombo
