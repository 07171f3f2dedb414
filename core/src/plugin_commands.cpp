#include "plugin_commands.hpp"

#include <cstdio>
#include <map>

#include "block/field_table.hpp"
#include "block/loader.hpp"
#include "block_opener.hpp"
#include "gateway.hpp"
#include "net/http_client.hpp"
#include "observe/logger.hpp"
#include "process/remote_block.hpp"
#include "process/sandbox.hpp"
#include "whereabouts.hpp"

namespace pombo {
namespace {

// "127.0.0.1:8080": where a server with this configuration can be asked; empty when it cannot.
std::string addressToAsk(const std::string& listen) {
  const auto colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon), port = listen.substr(colon + 1);
  if (port == "0") return {};
  const bool every = host.empty() || host == "0.0.0.0" || host == "[::]";
  return (every ? "127.0.0.1" : host) + ":" + port;
}

// What a server that runs says of its blocks; nothing when none does.
std::map<std::string, std::string> checksOf(const std::string& url) {
  if (url.empty()) return {};
  const Egress anywhere({{"0.0.0.0/0", "::/0", "localhost"}, true});
  HttpClient client(anywhere, std::string("Pombo/") + version(),
                    [](const InstanceId&) { return std::nullopt; });
  try {
    const auto reply = client.send(
        {.method = Method::get, .url = url + "/health", .timeout = std::chrono::seconds(2)});
    const Json said = boost::json::parse(reply.body);
    const auto* checks = said.is_object() ? said.get_object().if_contains("checks") : nullptr;
    return checks ? boost::json::value_to<std::map<std::string, std::string>>(*checks)
                  : std::map<std::string, std::string>();
  } catch (const std::exception&) {
    return {};  // it does not run, or it is not ours
  }
}

struct PluginRow {
  std::string version = "-", state = "disabled", isolation = "-", confined = "-", rest = {};
};

PluginRow rowOf(const BlockConfig& block, const Config& config) try {
  if (!block.enabled) return {};
  const std::string library = findLibrary(config, block.name);
  if (library.empty()) throw std::runtime_error(block.name + ".so is not in plugins.path");
  const auto metadata = identify(library);
  PluginRow row{.version = metadata.version, .state = "loads", .isolation = "inside"};
  row.rest = library;
  requireProgram(library);
  if (whereaboutsOf(block, config, library).isolated) {
    row.isolation = "process";
    row.confined.clear();
    for (const auto& each : availableProtection())
      row.confined += (row.confined.empty() ? "" : ",") + each;
  }
  return row;
} catch (const std::exception& error) {
  return {.state = "refused", .rest = error.what()};
}

}  // namespace

void listPlugins(const Config& config, std::optional<std::string> server) {
  const std::string listen(config.http.at("listen").as_string());
  if (const auto address = addressToAsk(listen); !server && !address.empty())
    server = "http://" + address;
  const auto checks = checksOf(server.value_or(""));
  constexpr auto kRow = "%-16s %-10s %-10s %-10s %-30s %s\n";
  std::printf(kRow, "BLOCK", "VERSION", "STATE", "ISOLATION", "CONFINED BY", "LIBRARY OR REASON");
  for (const auto& block : config.blocks) {
    PluginRow row = rowOf(block, config);
    if (const auto check = checks.find(block.name);
        check != checks.end() && check->second.starts_with("fail: ")) {
      row.state = "fails";
      row.rest = check->second.substr(6);
    }
    std::printf(kRow, block.name.c_str(), row.version.c_str(), row.state.c_str(),
                row.isolation.c_str(), row.confined.c_str(), row.rest.c_str());
  }
}

namespace {

void printTable(const char* title, const std::vector<Field>& table) {
  if (table.empty()) return;
  std::printf("%s\n", title);
  for (const auto& field : table)
    std::printf("  %-28s %-18s %s\n", field.name.c_str(), wordsFor(field.type), field.doc.c_str());
}

}  // namespace

int checkPlugin(const std::string& file) {
  const auto metadata = identify(file);
  std::printf("block   %s\nversion %s\nabi     %s\n", metadata.name, metadata.version,
              metadata.abi);
  // Its code runs where it can do no harm: whoever asks is only curious.
  Log log("error");
  try {
    const RemoteBlock block(isolationOf(metadata.name, metadata.version, file, log), {});
    printTable("fields", block.fields());
    printTable("options", block.options());
  } catch (const std::exception& error) {
    throw std::runtime_error(naming(file, error.what()));
  }
  std::printf("ok\n");
  return 0;
}

}  // namespace pombo
