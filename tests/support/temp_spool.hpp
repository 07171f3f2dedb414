// A spool in a temporary folder, with a clock that the test sets.
#pragma once

#include <filesystem>
#include <fstream>

#include "media/spool.hpp"
#include "temp_store.hpp"

namespace pombo {

inline const InstanceId kShop{"01930000-0000-7000-8000-000000000001"},
    kOther{"01930000-0000-7000-8000-000000000002"};

class TempSpool {
 public:
  TempSpool() {
    options.folder = folder.file("media");
    options.bytes = options.instanceBytes = 1 << 20;
    options.files = 100;
    options.largest = 1 << 20;
    options.lifetime = std::chrono::hours(1);
  }

  // As another start of the gateway finds it.
  Spool& open(const std::function<bool(const InstanceId&)>& knows = [](const InstanceId&) {
    return true;
  }) {
    spool = std::make_unique<Spool>(options, clock, log);
    spool->restore(knows);
    return *spool;
  }
  // Of all files, by their paths in the folder.
  std::map<std::string, std::uint64_t> sizes() const {
    std::map<std::string, std::uint64_t> all;
    for (const auto& each : std::filesystem::recursive_directory_iterator(options.folder))
      if (!each.is_directory())
        all[std::filesystem::relative(each.path(), options.folder)] = each.file_size();
    return all;
  }
  std::string pathOf(const InstanceId& instance, const MediaId& id) const {
    return options.folder + "/" + instance.value + "/" + id;
  }
  void write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = options.folder + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }

  TempFolder folder;
  SpoolOptions options;
  SettableClock clock;
  Log log{"off"};
  std::unique_ptr<Spool> spool;
};

// "a" is "aaaa...": 32 of them.
inline MediaId idOf(char digit) { return MediaId(32, digit); }

inline Media mediaNamed(const std::string& name, const std::string& bytes) {
  Media media = mediaOf("image/png", bytes);
  media.fileName = name;
  return media;
}

}  // namespace pombo
