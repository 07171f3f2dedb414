// The page for operators names what the server says to them: every metric, every line of the log
// from a warning on.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = POMBO_SOURCE_DIR;

std::string contentOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The first group of every match in the sources of core and the blocks, adjacent literals joined.
std::set<std::string> saidInCode(const std::regex& pattern, const std::string& extension = ".cpp") {
  static const std::regex border(R"("\s*\n\s*")");
  std::set<std::string> all;
  for (const auto* folder : {"core/src", "plugins"})
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (entry.path().extension() != extension) continue;
      const std::string code = std::regex_replace(contentOf(entry.path()), border, "");
      for (std::sregex_iterator it(code.begin(), code.end(), pattern), end; it != end; ++it)
        all.insert((*it)[1]);
    }
  return all;
}

void expectOnThePage(const std::set<std::string>& said, std::size_t atLeast) {
  const std::string page = contentOf(kRoot / "docs/operations.md");
  EXPECT_GE(said.size(), atLeast) << "the pattern has gone blind";
  for (const auto& each : said)
    EXPECT_NE(page.find(each), page.npos) << "docs/operations.md does not say " << each;
}

TEST(OperationsPage, NamesEveryMetric) {
  expectOnThePage(saidInCode(std::regex(R"re("(pombo_[a-z]+_[a-z_]+)")re")), 8);
}

TEST(OperationsPage, NamesEveryMetricOfABlock) {
  expectOnThePage(saidInCode(std::regex(R"re(metrics\(\)\.(?:count|observe)\("([a-z_]+)")re")), 6);
}

TEST(OperationsPage, NamesEveryMetricOfTheBridge) {
  expectOnThePage(saidInCode(std::regex(R"re(\.Count\("([a-z_]+)"\))re"), ".go"), 9);
}

TEST(OperationsPage, NamesEveryWarningAndErrorOfTheBridge) {
  expectOnThePage(saidInCode(std::regex(R"re(\.Log\("(?:warn|error)", "([^"]+)")re"), ".go"), 10);
}

TEST(OperationsPage, NamesEveryWarningAndError) {
  expectOnThePage(saidInCode(std::regex(R"re(Level::(?:warn|error)[^;"]*"([A-Z][^":]+?) ?[":])re")),
                  15);
}

}  // namespace
