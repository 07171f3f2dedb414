// The rules of the house that no compiler keeps: who may include whom, one home for each library,
// and that core knows no block by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Source {
  std::string path;  // from the root of the project
  std::string text;
  std::vector<std::string> includes;  // what stands between the quotes or brackets
};

const fs::path kRoot = POMBO_SOURCE_DIR;

std::string contentOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Source> sourcesIn(const std::string& folder) {
  static const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Source> all;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".cpp" && extension != ".hpp") continue;
    Source source{fs::relative(entry.path(), kRoot).string(), contentOf(entry.path()), {}};
    std::istringstream lines(source.text);
    std::smatch found;
    for (std::string line; std::getline(lines, line);)
      if (std::regex_search(line, found, include)) source.includes.push_back(found[1]);
    all.push_back(std::move(source));
  }
  return all;
}

const std::vector<Source>& core() {
  static const auto all = sourcesIn("core/src");
  return all;
}

bool startsWithOneOf(const std::string& text, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const auto& start) { return text.starts_with(start); });
}

// From left to right; a folder includes itself and what is to its right.
const std::vector<std::string> kOrder{
    "main",           "block_host_main", "cli",          "plugin_commands", "gateway",
    "gateway_events", "gateway_options", "block_opener", "whereabouts",     "config",
    "http",           "account",         "instance",     "block",           "media",
    "event",          "process",         "net",          "storage",         "observe",
    "pombo"};

std::size_t placeOf(const std::string& path) {
  const std::string first = path.substr(0, path.find_first_of("/."));
  return static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), first) - kOrder.begin());
}

TEST(House, HasItsSources) {
  EXPECT_GT(core().size(), 50u);
  EXPECT_GT(sourcesIn("core/include").size(), 15u);
  EXPECT_GE(sourcesIn("plugins").size(), 3u);
}

TEST(House, AFolderOfCoreIncludesOnlyFoldersToItsRight) {
  for (const auto& source : core()) {
    const std::string path = source.path.substr(std::string("core/src/").size());
    if (path.starts_with("embedded.")) continue;
    ASSERT_LT(placeOf(path), kOrder.size()) << path << " is in no folder that has a place";
    for (const auto& include : source.includes) {
      const bool ours =
          fs::exists(kRoot / "core/src" / include) || fs::exists(kRoot / "core/include" / include);
      if (!ours || include == "embedded.hpp") continue;
      EXPECT_LE(placeOf(path), placeOf(include)) << path << " includes " << include;
    }
  }
}

TEST(House, NothingIsIncludedByAPathThatClimbs) {
  for (const auto* folder : {"core", "plugins", "tests"})
    for (const auto& source : sourcesIn(folder))
      for (const auto& include : source.includes)
        EXPECT_EQ(include.find(".."), std::string::npos) << source.path << " includes " << include;
}

TEST(House, TheContractIncludesTheStandardLibraryBoostJsonAndItself) {
  static const std::set<std::string> system{"fcntl.h", "unistd.h", "sys/mman.h", "sys/stat.h"};
  for (const auto& source : sourcesIn("core/include"))
    for (const auto& include : source.includes) {
      const bool standard = include.find_first_of("/.") == include.npos || system.contains(include);
      const bool json = include == "boost/json.hpp" || include == "boost/version.hpp";
      EXPECT_TRUE(standard || json || include.starts_with("pombo/"))
          << source.path << " includes " << include;
    }
}

TEST(House, APluginIncludesTheContractAndItsOwnFiles) {
  for (const auto& source : sourcesIn("plugins")) {
    const fs::path folder = fs::path(source.path).parent_path();
    for (const auto& include : source.includes) {
      if (include.starts_with("pombo/")) {
        EXPECT_TRUE(fs::exists(kRoot / "core/include" / include)) << source.path;
        continue;
      }
      EXPECT_FALSE(fs::exists(kRoot / "core/src" / include))
          << source.path << " includes " << include;
      const bool ours = include.ends_with(".hpp") && include.find('/') == include.npos;
      EXPECT_TRUE(!ours || fs::exists(kRoot / folder / include))
          << source.path << " includes " << include;
    }
  }
}

TEST(House, OfAPluginOnlyTheBlockItsFieldsRoutesSidesAndStoreKnowTheContract) {
  static const std::regex known(".*_(block|fields|routes|side|store)");
  for (const auto& source : sourcesIn("plugins")) {
    const std::string stem = fs::path(source.path).stem().string();
    if (std::regex_match(stem, known)) continue;
    for (const auto& include : source.includes)
      EXPECT_FALSE(include.starts_with("pombo/")) << source.path << " includes " << include;
  }
}

TEST(House, EachLibraryHasOneHome) {
  const std::map<std::string, std::vector<std::string>> homes{
      {"boost/beast", {"core/src/http/"}},
      {"boost/asio", {"core/src/http/"}},
      {"pistache/", {"core/src/http/dispatcher.cpp"}},
      {"curl/",
       {"core/src/net/url.cpp", "core/src/net/transfer.cpp", "core/src/net/multi.cpp",
        "core/src/net/http_client.cpp"}},
      {"netdb.h", {"core/src/net/resolver.cpp"}},
      {"resolv.h", {"core/src/net/resolver.cpp"}},
      {"soci/", {"core/src/storage/sqlite_session.cpp", "core/src/storage/postgresql_session.cpp"}},
      {"libpq-fe.h",
       {"core/src/storage/postgresql_session.cpp", "core/src/storage/postgresql_url.cpp"}},
      {"sqlite3", {}},
      {"botan/",
       {"core/src/storage/sealer.cpp", "core/src/storage/keyring.cpp",
        "core/src/instance/identity.cpp", "core/src/block/manifest.cpp",
        "core/src/http/handshake.cpp"}},
      {"linux/", {"core/src/process/"}},
      {"yaml-cpp/", {"core/src/config.cpp"}},
      {"boost/dll", {"core/src/block/loader.cpp"}},
      {"dlfcn.h", {"core/src/block/loader.cpp"}},
      {"spdlog/", {"core/src/observe/logger.cpp"}},
      {"prometheus/", {"core/src/observe/metrics.cpp"}},
      {"utf8proc", {"core/src/instance/identity.cpp"}},
      {"qrencode.h", {"core/src/instance/qr_code.cpp"}},
      {"png.h", {"core/src/instance/qr_code.cpp"}},
      {"zlib.h", {"core/src/http/deflate.cpp"}}};
  for (const auto& source : core())
    for (const auto& include : source.includes)
      for (const auto& [library, where] : homes)
        EXPECT_TRUE(!include.starts_with(library) || startsWithOneOf(source.path, where))
            << source.path << " includes " << include;
  for (const auto& [library, where] : homes)
    for (const auto& home : where)
      EXPECT_TRUE(fs::exists(kRoot / home)) << home << " is the home of " << library;
}

// What a source says to the machine, less two words that are no block's name where they stand: the
// operator's key for proxies, and the protocol that HTTP upgrades to, which has a section of the
// configuration.
std::string codeOf(const Source& source) {
  static const std::regex comment(R"(//[^\n]*)"), proxies(R"("proxyPrivate")"),
      upgrade(R"("websocket(\.\w+)?")");
  std::string code = std::regex_replace(source.text, comment, "");
  code = std::regex_replace(code, proxies, "");
  const bool upgrades =
      source.path.starts_with("core/src/http/") || source.path == "core/src/config.cpp";
  return upgrades ? std::regex_replace(code, upgrade, "") : code;
}

TEST(House, WhatDialsOutDoesItWhereItIsChecked) {
  // The words that open a connection or ask for an address. The edge asks for the one that it
  // listens on.
  static const std::regex dials(
      R"(getaddrinfo|gethostby|res_n?(query|search)|(^|\W)::(connect|socket)\()"
      R"(|async_connect|asio::connect|::resolver|curl_easy_perform|curl_multi|CURLOPT_)");
  const std::set<std::string> known{"core/src/http/edge.cpp", "core/src/net/http_client.cpp",
                                    "core/src/net/multi.cpp", "core/src/net/resolver.cpp",
                                    "core/src/net/transfer.cpp"};
  std::set<std::string> found;
  for (const auto* folder : {"core", "plugins"})
    for (const auto& source : sourcesIn(folder))
      if (std::regex_search(codeOf(source), dials)) found.insert(source.path);
  EXPECT_EQ(found, known);
  for (const auto& source : sourcesIn("plugins"))
    for (const auto& include : source.includes)
      EXPECT_FALSE(startsWithOneOf(include, {"sys/socket.h", "netdb.h", "netinet/", "sys/un.h",
                                             "curl/", "boost/asio", "boost/beast", "libpq"}))
          << source.path << " includes " << include;
}

TEST(House, TheEdgesLibraryStaysInItsOwnSources) {
  // Its headers cost seconds in every source that sees them.
  const std::set<std::string> edge{
      "edge",        "edge_loop",         "http_connection", "head",
      "body_reader", "answer_writer",     "pending_answer",  "read_buffer",
      "deadline",    "socket_connection", "socket_keeper"};
  for (const auto& source : core())
    for (const auto& include : source.includes)
      EXPECT_TRUE(!startsWithOneOf(include, {"boost/beast", "boost/asio"}) ||
                  edge.contains(fs::path(source.path).stem().string()))
          << source.path << " includes " << include;
}

TEST(House, NoHeaderShowsALibraryOutsideOfItsFolder) {
  for (const auto& source : core()) {
    if (!source.path.ends_with(".hpp") || source.path.starts_with("core/src/http/")) continue;
    for (const auto& include : source.includes)
      EXPECT_FALSE(startsWithOneOf(
          include, {"boost/beast", "boost/asio", "boost/dll", "pistache/", "curl/", "soci/",
                    "botan/", "yaml-cpp/", "spdlog/", "prometheus/", "utf8proc"}))
          << source.path << " includes " << include;
  }
}

TEST(House, CoreKnowsNoBlockByName) {
  // In code a block is known by a text: its name alone, its fields, its tables or its routes. A
  // proxy, a webhook or a socket as an idea is nobody's name.
  std::string names =
      "chatwoot|s3|proxy|messages|whatsapp|cloudapi|evolution|simulator|rabbitmq|nats|sqs|console";
  for (const auto& entry : fs::directory_iterator(kRoot / "plugins"))
    if (entry.is_directory()) names += "|" + entry.path().filename().string();
  EXPECT_NE(names.find("|webhook"), names.npos);
  EXPECT_NE(names.find("|websocket"), names.npos);
  const std::regex known(R"(["/]()" + names + R"()["/_A-Z.])");
  for (const std::string& code :
       {std::string(R"(if (name == "webhook") x();)"), std::string(R"(given.at("s3Bucket"))"),
        std::string(R"("/api/chatwoot/set")"), std::string(R"("proxy_rows")")})
    EXPECT_TRUE(std::regex_search(code, known)) << code;
  for (const auto& source : core()) {
    const std::string code = codeOf(source);
    std::smatch found;
    EXPECT_FALSE(std::regex_search(code, found, known)) << source.path << " says " << found[0];
  }
}

TEST(House, NothingNamesAFolderOfOneMachine) {
  const std::string outside[] = {std::string("/home") + "/", std::string("/root") + "/"};
  for (const auto* top :
       {"core", "plugins", "tests", "config", "scripts", "docs", "bench", ".ci", "CMakeLists.txt",
        "CMakePresets.json", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"}) {
    std::vector<fs::path> files;
    if (fs::is_regular_file(kRoot / top)) files.push_back(kRoot / top);
    if (fs::is_directory(kRoot / top))
      for (const auto& entry : fs::recursive_directory_iterator(kRoot / top))
        if (entry.is_regular_file() &&
            entry.path().string().find("node_modules") == std::string::npos &&
            entry.path().string().find("__pycache__") == std::string::npos)
          files.push_back(entry.path());
    for (const auto& file : files) {
      const std::string text = contentOf(file);
      for (const auto& path : outside)
        EXPECT_EQ(text.find(path), std::string::npos)
            << fs::relative(file, kRoot) << " says " << path;
    }
  }
}

TEST(House, NothingIsCalledUtils) {
  static const std::regex vague("utils?|common|helpers?|misc|.*manager|base|abstract.*|.*impl");
  for (const auto* folder : {"core", "plugins", "tests"})
    for (const auto& source : sourcesIn(folder))
      EXPECT_FALSE(std::regex_match(fs::path(source.path).stem().string(), vague)) << source.path;
}

TEST(House, EveryHeaderSaysWhatItIsAndIsReadOnce) {
  for (const auto* folder : {"core", "plugins", "tests"})
    for (const auto& source : sourcesIn(folder)) {
      if (!source.path.ends_with(".hpp")) continue;
      EXPECT_NE(source.text.find("#pragma once\n"), std::string::npos) << source.path;
      EXPECT_TRUE(source.text.starts_with("// ") || source.path.starts_with("plugins"))
          << source.path << " says nothing of itself";
    }
}

TEST(House, NoExceptionIsSwallowedInSilence) {
  static const std::regex silent(R"(catch\s*\([^)]*\)\s*\{\s*\})");
  for (const auto& source : core())
    EXPECT_FALSE(std::regex_search(source.text, silent)) << source.path;
}

TEST(House, TestsDoNotSleep) {
  const std::string sleeps[] = {std::string("sleep_") + "for", std::string("sleep_") + "until",
                                std::string("::us") + "leep("};
  for (const auto& source : sourcesIn("tests"))
    for (const auto& sleep : sleeps)
      EXPECT_EQ(source.text.find(sleep), std::string::npos) << source.path;
}

}  // namespace
