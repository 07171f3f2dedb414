// A block that is a program, tests/process/blocks/caged_program.py, and a folder for it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "mirror.hpp"

namespace pombo {

// Where everybody may pass, as a server's data folder is; or nobody but its owner.
class Around {
 public:
  explicit Around(bool isClosed = false) {
    std::string path = (std::filesystem::temp_directory_path() / "pombo-XXXXXX").string();
    if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
    path_ = path;
    if (!isClosed) std::filesystem::permissions(path_, std::filesystem::perms(0711));
  }
  ~Around() { std::filesystem::remove_all(path_); }
  Around(const Around&) = delete;
  Around& operator=(const Around&) = delete;

  std::string folder() const { return path_ / "own"; }
  std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Isolation cagedIn(const std::string& folder) {
  Isolation isolation = isolated("caged");
  isolation.pause = std::chrono::milliseconds(1);
  isolation.child.limits.memoryMb = 64;
  isolation.child.limits.mayRead = {"/usr/bin/python3"};
  isolation.child.limits.folder = folder;
  return isolation;
}

}  // namespace pombo
