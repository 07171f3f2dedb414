#include "block_opener.hpp"

#include <algorithm>
#include <filesystem>

#include "block/loader.hpp"
#include "process/remote_block.hpp"
#include "whereabouts.hpp"

namespace pombo {

namespace fs = std::filesystem;

namespace {

// A process that is neither another user's nor kept from files by the kernel.
bool canReadOurs(const boost::json::object& said) {
  const auto& in = said.at("confined").as_array();
  return std::none_of(in.begin(), in.end(),
                      [](const Json& each) { return each == "user" || each == "landlock"; });
}

}  // namespace

std::string findLibrary(const Config& config, const std::string& block) {
  const fs::path home = homeFolder();
  for (const auto& entry : config.plugins.at("path").as_array()) {
    const fs::path folder = std::string(entry.as_string());
    const auto library = (home / folder / (block + ".so")).lexically_normal();
    if (fs::exists(library)) return library;
  }
  return {};
}

OpenedBlock BlockOpener::open(const BlockConfig& wanted) {
  if (!wanted.enabled) return {{.name = wanted.name, .problem = "disabled"}};
  const std::string library = findLibrary(config_, wanted.name);
  if (library.empty()) return refused(wanted, wanted.name + ".so is not in plugins.path");
  try {
    return opened(wanted, library);
  } catch (const ConfigError&) {
    throw;
  } catch (const std::exception& error) {
    return refused(wanted, naming(library, error.what()));
  } catch (...) {  // a block says what it takes in code of its own
    return refused(wanted, naming(library, "not a std::exception"));
  }
}

OpenedBlock BlockOpener::opened(const BlockConfig& wanted, const std::string& library) {
  OpenedBlock made{{.name = wanted.name, .budget = wanted.budget}};
  Block& block = made.block;
  block.version = identify(library).version;
  const Whereabouts where = whereaboutsOf(wanted, config_, library);
  // What came with this build is trusted to come back, and a process is killed in time.
  block.inPlace = where.isolated || where.shipped;
  boost::json::object said{{"block", wanted.name},
                           {"isolation", where.isolated ? "process" : "inside"},
                           {"because", where.because}};
  std::string folder;
  if (where.isolated) {
    logs_.push_back(log_.of(wanted.name));
    const auto isolation = isolationOf(wanted, block.version, library, database_, *logs_.back());
    folder = isolation.child.limits.folder;
    block.code = apart(wanted, isolation, said);
  } else {
    block.code = load(library);
  }
  block.fields = block.code->fields();
  made.options = optionsOf(wanted, block.code->options(), environment_);
  if (!folder.empty()) made.options.as_object()["folder"] = folder;
  log_.write(where.surprising ? Level::warn : Level::info, "Block is opened", said);
  if (where.isolated && canReadOurs(said))
    log_.write(Level::warn, "A block's process can read what the server can",
               {{"block", wanted.name},
                {"reason", "this kernel has no Landlock, and the server's user is not root"}});
  return made;
}

std::unique_ptr<IBlockConfigurator> BlockOpener::apart(const BlockConfig& wanted,
                                                       const Isolation& isolation,
                                                       boost::json::object& said) {
  using Fate = RemoteBlock::Fate;
  const auto processes = static_cast<int>(wanted.process.at("processes").as_int64());
  const std::string name = wanted.name;
  if (isolation.child.limits.folder.empty()) {
    if (processes > 1)
      throw std::runtime_error("is no program, so that blocks." + name +
                               ".process.processes must be 1");
    auto block = std::make_unique<RemoteBlock>(
        isolation, [this, name](Fate fate) { tell_(name, fate, 0, nullptr); });
    said["confined"] = boost::json::value_from(block->protection());
    return block;
  }
  auto block = std::make_unique<Shards>(
      isolation, processes, [this, name](Fate fate, int process, const Shards::Its& its) {
        tell_(name, fate, process, its);
      });
  said["confined"] = boost::json::value_from(block->protection());
  if (processes > 1) said["processes"] = processes;
  return block;
}

OpenedBlock BlockOpener::refused(const BlockConfig& wanted, const std::string& reason) {
  log_.write(Level::error, "Block not loaded", {{"block", wanted.name}, {"reason", reason}});
  return {{.name = wanted.name, .problem = reason}};
}

}  // namespace pombo
