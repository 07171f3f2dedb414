#include "whereabouts.hpp"

#include <unistd.h>

#include <filesystem>

#include "block/loader.hpp"
#include "block/manifest.hpp"

namespace pombo {
namespace {

namespace fs = std::filesystem;

constexpr auto kHost = "pombo-block-host";

std::chrono::seconds secondsAt(const Json& process, const char* key) {
  return std::chrono::seconds(process.at(key).as_int64());
}

}  // namespace

void requireProgram(const std::string& library) {
  const fs::path program = programOf(library);
  if (program.empty()) return;
  const std::string name = program.filename();
  if (!fs::exists(program))
    throw std::runtime_error(library + ": its program " + name + " is not beside it");
  if (!fs::is_regular_file(program) || ::access(program.c_str(), X_OK) != 0)
    throw std::runtime_error(library + ": its program " + name + " is none");
}

std::string homeFolder() { return fs::read_symlink("/proc/self/exe").parent_path(); }

Whereabouts whereaboutsOf(const BlockConfig& block, const Config& config,
                          const std::string& library) {
  const auto origin = originOf(library, fs::path(homeFolder()) / "plugins/manifest.json");
  Whereabouts where{.shipped = origin == Origin::shipped};
  if (!programOf(library).empty()) {
    if (block.isolation == "inside")
      throw std::runtime_error(library + ": is a program, so that blocks." + block.name +
                               ".isolation cannot be 'inside'");
    where.isolated = true;
    where.because = "it is a program";
    return where;
  }
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
  requireProgram(library);
  return {.name = block,
          .version = version,
          .child = {.program = program, .library = fs::absolute(library), .limits = {}},
          .log = &log};
}

Isolation isolationOf(const BlockConfig& block, const std::string& version,
                      const std::string& library, const std::string& database, ILogger& log) {
  const Json& process = block.process;
  Isolation isolation = isolationOf(block.name, version, library, log);
  auto& limits = isolation.child.limits;
  limits.memoryMb = process.at("memoryMb").as_int64();
  limits.openFiles = process.at("openFiles").as_int64();
  limits.cpuSeconds = process.at("cpuSeconds").as_int64();
  limits.mayRead = boost::json::value_to<std::vector<std::string>>(process.at("mayRead"));
  std::string folder(process.at("folder").as_string());
  if (folder.empty()) folder = (database.empty() ? "pombo" : database) + "." + block.name;
  if (!programOf(library).empty()) limits.folder = fs::absolute(folder).lexically_normal();
  isolation.call = secondsAt(process, "callSeconds");
  isolation.start = secondsAt(process, "startSeconds");
  return isolation;
}

}  // namespace pombo
