#include "whereabouts.hpp"

#include <filesystem>

#include "block/manifest.hpp"

namespace pombo {
namespace {

namespace fs = std::filesystem;

constexpr auto kHost = "pombo-block-host";

std::chrono::seconds secondsAt(const Json& process, const char* key) {
  return std::chrono::seconds(process.at(key).as_int64());
}

}  // namespace

std::string homeFolder() { return fs::read_symlink("/proc/self/exe").parent_path(); }

Whereabouts whereaboutsOf(const BlockConfig& block, const Config& config,
                          const std::string& library) {
  const auto origin = originOf(library, fs::path(homeFolder()) / "plugins/manifest.json");
  Whereabouts where{.shipped = origin == Origin::shipped};
  const std::string everywhere(config.plugins.at("isolation").as_string());
  if (block.isolation != "auto") {
    where.isolated = block.isolation == "process";
    where.because = "blocks." + block.name + ".isolation";
  } else if (everywhere != "auto") {
    where.isolated = everywhere == "process";
    where.because = "plugins.isolation";
  } else {
    where.isolated = !where.shipped;
    where.surprising = origin == Origin::changed;
    where.because = where.shipped      ? "it came with this server"
                    : where.surprising ? "it is not the library that came with this server"
                                       : "it did not come with this server";
  }
  return where;
}

Isolation isolationOf(const std::string& block, const std::string& version,
                      const std::string& library, ILogger& log) {
  const fs::path program = fs::path(homeFolder()) / kHost;
  if (!fs::exists(program))
    throw std::runtime_error(std::string(kHost) + " is not beside this executable");
  return {.name = block,
          .version = version,
          .child = {.program = program, .library = fs::absolute(library), .limits = {}},
          .log = &log};
}

Isolation isolationOf(const BlockConfig& block, const std::string& version,
                      const std::string& library, ILogger& log) {
  const Json& process = block.process;
  Isolation isolation = isolationOf(block.name, version, library, log);
  auto& limits = isolation.child.limits;
  limits.memoryMb = process.at("memoryMb").as_int64();
  limits.openFiles = process.at("openFiles").as_int64();
  limits.cpuSeconds = process.at("cpuSeconds").as_int64();
  limits.mayRead = boost::json::value_to<std::vector<std::string>>(process.at("mayRead"));
  isolation.call = secondsAt(process, "callSeconds");
  isolation.start = secondsAt(process, "startSeconds");
  return isolation;
}

}  // namespace pombo
