#include "config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "temp_store.hpp"

namespace pombo {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environmentOf(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
}

Config parsed(const std::string& yaml, const Variables& variables = {}) {
  return parseConfig(yaml, "pombo.yaml", environmentOf(variables));
}

std::string refusalOf(const std::string& yaml, const Variables& variables = {}) {
  try {
    parsed(yaml, variables);
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

Json& memberOf(Config& config, const std::string& section) {
  const std::map<std::string, Json*> all{
      {"http", &config.http},       {"storage", &config.storage},  {"security", &config.security},
      {"plugins", &config.plugins}, {"egress", &config.egress},    {"limits", &config.limits},
      {"log", &config.log},         {"metrics", &config.metrics},  {"admin", &config.admin},
      {"audit", &config.audit},     {"events", &config.events},    {"link", &config.link},
      {"media", &config.media},     {"websocket", &config.sockets}};
  return *all.at(section);
}

std::string shippedFile() { return POMBO_SOURCE_DIR "/config/pombo.yaml"; }

// The keys that stand in the file, in dots, each with the line before it.
std::map<std::string, std::string> keysInShippedFile() {
  std::ifstream in(shippedFile());
  std::map<std::string, std::string> keys;
  std::string section, before;
  for (std::string line; std::getline(in, line); before = line) {
    const auto first = line.find_first_not_of(' ');
    const auto colon = line.find(':');
    if (first == line.npos || line[first] == '#' || colon == line.npos) continue;
    const std::string key = line.substr(first, colon - first);
    if (first == 0) section = key;
    if (first == 2 || key == "database") keys[first ? section + "." + key : key] = before;
  }
  return keys;
}

TEST(ShippedConfig, EveryValueIsTheDefault) {
  Config shipped = readConfig(shippedFile(), environmentOf({}));
  Config defaults = parsed("");
  EXPECT_EQ(shipped.database, defaults.database);
  for (const auto& section : configSections())
    EXPECT_EQ(memberOf(shipped, section.name), memberOf(defaults, section.name)) << section.name;
}

TEST(ShippedConfig, HoldsEveryKeyWithASentence) {
  const auto keys = keysInShippedFile();
  std::set<std::string> known{"database"};
  for (const auto& section : configSections())
    for (const auto& key : section.keys) known.insert(section.name + "." + key.name);
  for (const auto& key : known) {
    ASSERT_TRUE(keys.contains(key)) << key;
    const std::string& comment = keys.at(key);
    EXPECT_NE(comment.find("# "), comment.npos) << key;
    EXPECT_TRUE(comment.ends_with(".")) << key << ": " << comment;
  }
  for (const auto& [key, comment] : keys)
    EXPECT_TRUE(known.contains(key) || key.starts_with("blocks.")) << key;
}

TEST(ShippedConfig, NamesEveryBlockThatIsBuilt) {
  const Config shipped = readConfig(shippedFile(), environmentOf({}));
  std::set<std::string> named, built;
  for (const auto& block : shipped.blocks) {
    named.insert(block.name);
    EXPECT_TRUE(block.enabled);
    EXPECT_FALSE(block.required);
  }
  for (const auto& entry : std::filesystem::directory_iterator(POMBO_SOURCE_DIR "/plugins"))
    if (std::filesystem::exists(entry.path() / "CMakeLists.txt"))
      built.insert(entry.path().filename().string());
  EXPECT_EQ(named, built);
}

TEST(ConfigTest, AnEmptyFileIsTheDefaults) {
  for (const auto* yaml :
       {"", "# only a comment\n", "http:\nblocks:\n", "http: {}\nblocks: {}\n"}) {
    Config config = parsed(yaml);
    EXPECT_EQ(config.database, "sqlite:pombo.db");
    EXPECT_EQ(config.http.at("listen"), "127.0.0.1:8080");
    EXPECT_TRUE(config.blocks.empty());
  }
}

TEST(ConfigTest, WhatIsSaidIsTaken) {
  Config config = parsed(R"(
database: sqlite:/data/x.db
http: {listen: "[::]:80", workers: 8, trustedProxies: [10.0.0.0/8, "::1"]}
egress:
  allow:
    - crm.internal
    - 10.0.0.0/8
  proxyPrivate: false
log: {level: debug, access: false}
)");
  EXPECT_EQ(config.database, "sqlite:/data/x.db");
  EXPECT_EQ(config.http.at("listen"), "[::]:80");
  EXPECT_EQ(config.http.at("workers"), 8);
  EXPECT_EQ(config.http.at("slowWorkers"), 32);
  EXPECT_EQ(config.http.at("trustedProxies"), (Json{"10.0.0.0/8", "::1"}));
  EXPECT_EQ(config.egress.at("allow"), (Json{"crm.internal", "10.0.0.0/8"}));
  EXPECT_EQ(config.egress.at("proxyPrivate"), false);
  EXPECT_EQ(config.log.at("level"), "debug");
}

TEST(ConfigTest, AnUnknownKeyIsNamedWithItsFileAndLine) {
  EXPECT_EQ(refusalOf("database: sqlite:x\nhtpp:\n  listen: x\n"),
            "pombo.yaml:2: unknown key 'htpp'");
  EXPECT_EQ(refusalOf("http:\n  listen: 127.0.0.1:1\n  listenn: x\n"),
            "pombo.yaml:3: unknown key 'http.listenn'");
  EXPECT_EQ(refusalOf("log: {levle: info}\n"), "pombo.yaml:1: unknown key 'log.levle'");
}

TEST(ConfigTest, AKeyThatStandsThereTwiceIsNamed) {
  EXPECT_EQ(refusalOf("http: {}\nlog: {}\nhttp: {}\n"),
            "pombo.yaml:3: key 'http' stands there twice");
  EXPECT_EQ(refusalOf("log:\n  level: info\n  level: warn\n"),
            "pombo.yaml:3: key 'log.level' stands there twice");
  EXPECT_EQ(refusalOf("blocks:\n  webhook:\n  webhook:\n"),
            "pombo.yaml:3: block 'webhook' stands there twice");
  EXPECT_EQ(refusalOf("blocks:\n  webhook:\n    a: 1\n    a: 2\n"),
            "pombo.yaml:4: key 'blocks.webhook.a' stands there twice");
}

TEST(ConfigTest, AKeyThatIsNoWordIsNamedWithItsLine) {
  EXPECT_EQ(refusalOf("[a]: 1\n"), "pombo.yaml:1: a key must be a word");
  EXPECT_EQ(refusalOf("log:\n  ? {a: b}\n  : 1\n"), "pombo.yaml:2: a key must be a word");
  EXPECT_EQ(refusalOf("blocks:\n  x:\n    process: {[a]: 1}\n"),
            "pombo.yaml:3: a key must be a word");
}

TEST(ConfigTest, AnAliasOfWhatItStandsInIsRefused) {
  EXPECT_EQ(refusalOf("blocks:\n  x:\n    words: &a [*a]\n"),
            "pombo.yaml:3: values are nested too deeply");
  EXPECT_EQ(refusalOf("blocks:\n  x: &a\n    inner: *a\n"),
            "pombo.yaml:2: values are nested too deeply");
}

TEST(ConfigTest, AliasesThatMakeASmallFileALargeOneAreRefused) {
  std::string yaml = "blocks:\n  x:\n    a0: &a0 [word, word]\n";
  for (int i = 1; i <= 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1), own = "a" + std::to_string(i);
    yaml += "    " + own + ": &" + own + " [" + before + ", " + before + "]\n";
  }
  EXPECT_NE(refusalOf(yaml).find("the file says too much"), std::string::npos);
}

TEST(ConfigTest, AWrongTypeOrValueIsNamed) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"http: 5\n", "'http' must be a map"},
      {"http: []\n", "'http' must be a map"},
      {"blocks: [webhook]\n", "'blocks' must be a map"},
      {"blocks:\n  webhook: 5\n", "'blocks.webhook' must be a map"},
      {"database: {a: b}\n", "'database' must be a string"},
      {"- a\n", "not a map"},
      {"just text\n", "not a map"},
      {"http: {workers: many}\n", "http: The 'workers' field must be an integer"},
      {"http: {workers: 0}\n", "http: The 'workers' field must be between 1 and 1024"},
      {"http: {workers: [1]}\n", "http: The 'workers' field must be an integer"},
      {"http: {trustedProxies: 10.0.0.0/8}\n",
       "http: The 'trustedProxies' field must be a list of strings"},
      {"log: {access: 1}\n", "log: The 'access' field must be a boolean"},
      {"log: {access: \"true\"}\n", "log: The 'access' field must be a boolean"},
      {"log: {level: loud}\n", "log: The 'level' field must be one of: debug, info"},
      {"storage: {synchronous: off}\n", "storage: The 'synchronous' field must be one of"},
      {"blocks:\n  Webhook:\n", "'Webhook' is no name of a block"},
      {"blocks:\n  web-hook:\n", "'web-hook' is no name of a block"},
      {"blocks:\n  ../../x:\n", "is no name of a block"},
      {"blocks:\n  webhook: {enabled: maybe}\n",
       "blocks.webhook: The 'enabled' field must be a boolean"},
      {"websocket: {pingSeconds: 30, pongSeconds: 30}\n",
       "websocket: pongSeconds must be more than pingSeconds"},
      {"websocket: {pingSeconds: 60}\n", "websocket: pongSeconds must be more than pingSeconds"},
      {"media: {days: 2}\n", "media: linkHours must not be more than days"},
      {"media: {days: 2, linkHours: 49}\n", "media: linkHours must not be more than days"},
      {"http: {listen: [\n", "pombo.yaml:"},
      {"a: b: c\n", "pombo.yaml:1"},
      {"\tx: 1\n", "pombo.yaml:1"},
      {"http:\n  listen: *nothing\n", "pombo.yaml:2"},
  };
  for (const auto& [yaml, said] : all) {
    const std::string refusal = refusalOf(yaml);
    EXPECT_NE(refusal.find(said), refusal.npos) << yaml << "said: " << refusal;
    EXPECT_TRUE(refusal.starts_with("pombo.yaml:")) << refusal;
  }
}

TEST(ConfigTest, TheEnvironmentIsFilledIn) {
  const Variables variables{{"HOST", "0.0.0.0"}, {"PORT", "81"}, {"EMPTY", ""}, {"N", "7"}};
  const auto listen = [&](const std::string& value) {
    return parsed("http: {listen: \"" + value + "\"}", variables).http.at("listen");
  };
  EXPECT_EQ(listen("${HOST}:${PORT}"), "0.0.0.0:81");
  EXPECT_EQ(listen("a${EMPTY}b"), "ab");
  EXPECT_EQ(listen("${NONE:-x}:1"), "x:1");
  EXPECT_EQ(listen("${HOST:-x}:1"), "0.0.0.0:1");
  EXPECT_EQ(listen("${NONE:-}x"), "x");
  EXPECT_EQ(listen("$HOST ${"), "$HOST ${");
  EXPECT_EQ(parsed("http: {workers: \"${N}\"}", variables).http.at("workers"), 7);
  EXPECT_EQ(parsed("http:\n  workers: ${N}", variables).http.at("workers"), 7);
  EXPECT_EQ(parsed("database: sqlite:${HOST}", variables).database, "sqlite:0.0.0.0");
  EXPECT_EQ(parsed("egress: {allow: [\"${HOST}\"]}", variables).egress.at("allow"),
            (Json{"0.0.0.0"}));
}

TEST(ConfigTest, WhatTheEnvironmentLacksIsNamedWithItsLine) {
  EXPECT_EQ(refusalOf("log: {}\nadmin:\n  token: ${ADMIN_TOKEN}\n"),
            "pombo.yaml:3: the environment has no 'ADMIN_TOKEN'");
}

TEST(ConfigTest, WhatIsFilledInIsAValueAndNoYaml) {
  const Variables variables{{"X", "a]\nlog: {level: off}"}};
  EXPECT_EQ(parsed("http: {listen: \"${X}\"}", variables).http.at("listen"),
            "a]\nlog: {level: off}");
}

TEST(ConfigTest, TextsThatLookLikeNumbersAreKeptLetterForLetter) {
  const Variables variables{{"T", "00000000000000000000000000000042"}};
  for (const auto* token : {"00000000000000000000000000000042", "12345678901234567890123456789012",
                            "1e30", "1.50", "007", "inf", "nan", "-0", "18446744073709551615"})
    EXPECT_EQ(parsed(std::string("admin: {token: ") + token + "}").admin.at("token"), token);
  EXPECT_EQ(parsed("admin:\n  token: ${T}", variables).admin.at("token"), Json(variables.at("T")));
}

TEST(ConfigTest, EveryKeyCanBeGivenInTheEnvironment) {
  const std::map<std::string, std::string> names{
      {"http.baseUrl", "POMBO_HTTP_BASE_URL"},
      {"http.listen", "POMBO_HTTP_LISTEN"},
      {"security.keyFile", "POMBO_SECURITY_KEY_FILE"},
      {"egress.proxyPrivate", "POMBO_EGRESS_PROXY_PRIVATE"},
      {"limits.anonymousPerMinute", "POMBO_LIMITS_ANONYMOUS_PER_MINUTE"}};
  for (const auto& section : configSections())
    for (const auto& key : section.keys) {
      std::string variable = "POMBO_" + section.name + "_";
      for (const char c : key.name) {
        if (std::isupper(static_cast<unsigned char>(c))) variable.push_back('_');
        variable.push_back(c);
      }
      for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      const std::string path = section.name + "." + key.name;
      const auto known = names.find(path);
      EXPECT_TRUE(known == names.end() || known->second == variable) << variable;
      std::string value = "given";
      Json expected(value);
      if (!key.choices.empty()) value = key.choices.back(), expected = boost::json::string(value);
      if (key.type == Type::integer)
        expected = key.min.value_or(0) + 3, value = std::to_string(key.min.value_or(0) + 3);
      if (key.type == Type::boolean) {
        expected = !key.fallback.as_bool();
        value = key.fallback.as_bool() ? "false" : "true";
      }
      if (key.type == Type::strings) expected = Json{"a", "b c"}, value = " a ,b c,, ";
      // Of two that must fit each other, the other one does.
      Config config = parsed("websocket: {pingSeconds: 1}", {{variable, value}});
      EXPECT_EQ(memberOf(config, section.name).at(key.name), expected) << variable;
    }
}

TEST(ConfigTest, TheEnvironmentWinsOverTheFile) {
  EXPECT_EQ(parsed("database: sqlite:a", {{"POMBO_DATABASE", "sqlite:b"}}).database, "sqlite:b");
  EXPECT_EQ(parsed("http: {listen: a}", {{"POMBO_HTTP_LISTEN", "b"}}).http.at("listen"), "b");
  EXPECT_EQ(parsed("egress: {allow: [a]}", {{"POMBO_EGRESS_ALLOW", "b,c"}}).egress.at("allow"),
            (Json{"b", "c"}));
  EXPECT_EQ(parsed("egress: {allow: [a]}", {{"POMBO_EGRESS_ALLOW", ""}}).egress.at("allow"),
            Json(boost::json::array()));
}

TEST(ConfigTest, AWrongValueOfTheEnvironmentIsRefused) {
  EXPECT_NE(refusalOf("", {{"POMBO_HTTP_WORKERS", "many"}}), "");
  EXPECT_NE(refusalOf("", {{"POMBO_LOG_ACCESS", "1"}}), "");
  EXPECT_NE(refusalOf("", {{"POMBO_LOG_LEVEL", "loud"}}), "");
}

const std::vector<Field>& blockTable() {
  static const std::vector<Field> table{
      {.name = "maxInFlight", .type = Type::integer, .fallback = 8, .min = 1, .max = 64},
      {.name = "label", .fallback = "x"},
      {.name = "names", .type = Type::strings, .fallback = boost::json::array()},
      {.name = "strict", .type = Type::boolean, .fallback = false}};
  return table;
}

Json optionsIn(const std::string& yaml, const Variables& variables = {}) {
  const Config config = parsed(yaml, variables);
  return optionsOf(config.blocks.at(0), blockTable(), environmentOf(variables));
}

TEST(BlockConfigTest, BlocksComeInTheOrderOfTheFile) {
  const Config config =
      parsed("blocks:\n  zeta:\n  alpha: {enabled: false}\n  s3: {required: true}");
  ASSERT_EQ(config.blocks.size(), 3u);
  EXPECT_EQ(config.blocks[0].name, "zeta");
  EXPECT_EQ(config.blocks[1].name, "alpha");
  EXPECT_FALSE(config.blocks[1].enabled);
  EXPECT_TRUE(config.blocks[2].required);
  EXPECT_EQ(config.blocks[2].where, "pombo.yaml:4");
}

TEST(BlockConfigTest, CoresKeysAreTakenOutAndTheRestIsTheBlocksOwn) {
  EXPECT_EQ(
      optionsIn("blocks:\n  webhook: {enabled: true, required: false, maxInFlight: 3}"),
      (Json{
          {"maxInFlight", 3}, {"label", "x"}, {"names", boost::json::array()}, {"strict", false}}));
}

TEST(BlockConfigTest, TheEnvironmentReachesBlocksAndCoresKeysOfThem) {
  EXPECT_EQ(optionsIn("blocks:\n  webhook:", {{"POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT", "5"},
                                              {"POMBO_BLOCKS_WEBHOOK_LABEL", "7"},
                                              {"POMBO_BLOCKS_WEBHOOK_NAMES", "a,b"},
                                              {"POMBO_BLOCKS_WEBHOOK_STRICT", "true"}}),
            (Json{{"maxInFlight", 5}, {"label", "7"}, {"names", {"a", "b"}}, {"strict", true}}));
  const Config off = parsed("blocks:\n  webhook:", {{"POMBO_BLOCKS_WEBHOOK_ENABLED", "false"},
                                                    {"POMBO_BLOCKS_WEBHOOK_REQUIRED", "true"}});
  EXPECT_FALSE(off.blocks[0].enabled);
  EXPECT_TRUE(off.blocks[0].required);
}

TEST(BlockConfigTest, WhereItRunsAndWhatAProcessMayUse) {
  const Config config = parsed(
      "blocks:\n  a: {isolation: process, process: {memoryMb: 64, mayRead: [/a, /b]}}\n  b:\n",
      {{"POMBO_BLOCKS_B_ISOLATION", "inside"}, {"POMBO_BLOCKS_B_PROCESS_CPU_SECONDS", "5"}});
  EXPECT_EQ(config.blocks[0].isolation, "process");
  EXPECT_EQ(config.blocks[0].process.at("memoryMb"), Json(64));
  EXPECT_EQ(config.blocks[0].process.at("mayRead"), (Json{"/a", "/b"}));
  EXPECT_EQ(config.blocks[0].process.at("openFiles"), Json(256));
  EXPECT_TRUE(config.blocks[0].options.as_object().empty()) << "the rest is the block's own";
  EXPECT_EQ(config.blocks[1].isolation, "inside");
  EXPECT_EQ(config.blocks[1].process.at("cpuSeconds"), Json(5));
  EXPECT_EQ(parsed("blocks:\n  a:").blocks[0].isolation, "auto");
}

TEST(BlockConfigTest, EveryKeyOfAProcessIsInTheShippedFile) {
  std::ifstream in(shippedFile());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Json defaults = parsed("blocks:\n  a:").blocks[0].process;
  for (const auto& key : processKeys())
    EXPECT_NE(text.find("#     " + key.name + ": " + serialize(defaults.at(key.name)) + " "),
              text.npos)
        << key.name;
  EXPECT_NE(text.find("#     workers: 4 "), text.npos);
}

TEST(BlockConfigTest, ALaneHasAsManyThreadsAsItIsGiven) {
  const Config config = parsed("blocks:\n  a: {lane: {workers: 9}}\n  b:\n  c:\n",
                               {{"POMBO_BLOCKS_B_LANE_WORKERS", "2"}});
  EXPECT_EQ(config.blocks[0].laneWorkers, 9);
  EXPECT_EQ(config.blocks[1].laneWorkers, 2);
  EXPECT_EQ(config.blocks[2].laneWorkers, 4);
  EXPECT_TRUE(config.blocks[0].options.as_object().empty()) << "the rest is the block's own";
  EXPECT_EQ(refusalOf("blocks:\n  a:\n    lane:\n      threads: 7\n"),
            "pombo.yaml:4: unknown key 'blocks.a.lane.threads'");
}

TEST(BlockConfigTest, AMistakeInAProcessIsNamedWithItsLine) {
  EXPECT_EQ(refusalOf("blocks:\n  a:\n    process:\n      memory: 7\n"),
            "pombo.yaml:4: unknown key 'blocks.a.process.memory'");
  EXPECT_EQ(refusalOf("blocks:\n  a:\n    process: 7\n"),
            "pombo.yaml:3: 'blocks.a.process' must be a map");
  EXPECT_EQ(refusalOf("blocks:\n  a:\n    isolation: apart\n"),
            "pombo.yaml:2: blocks.a: The 'isolation' field must be one of: auto, process, inside");
}

TEST(BlockConfigTest, AnUnknownKeyOrAWrongValueIsNamedWithTheBlocksLine) {
  for (const auto& [yaml, said] : std::vector<std::pair<std::string, std::string>>{
           {"blocks:\n  webhook: {maxInflight: 3}", "unknown key 'blocks.webhook.maxInflight'"},
           {"blocks:\n  webhook: {maxInFlight: 65}",
            "blocks.webhook: The 'maxInFlight' field must be between 1 and 64"}})
    try {
      optionsIn(yaml);
      ADD_FAILURE() << yaml;
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.what(), "pombo.yaml:2: " + said);
    }
}

TEST(ConfigFile, AFileThatIsNotThereIsNamed) {
  const TempFolder folder;
  try {
    readConfig(folder.file("none.yaml"), environmentOf({}));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("none.yaml"), std::string::npos);
  }
}

}  // namespace
}  // namespace pombo
