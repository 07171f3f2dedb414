// A file that may be anything, looked at as a library: nothing of it is mapped or run, and every
// read is checked against its end.
#pragma once

#include <elf.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace pombo {

class ElfFile {
 public:
  explicit ElfFile(const std::string& path);

  // Why it cannot be a library of this process; empty when it can. One that ends too soon is told
  // here: mapped, it would end the process at the first byte that is not there.
  std::string problem() const;

  // The bytes of the section; empty when there is none of that name.
  std::string section(const std::string& name) const;

 private:
  std::string slice(std::uint64_t offset, std::uint64_t size) const;
  template <class T>
  T at(std::uint64_t offset) const;
  bool isWhole() const;

  mutable std::ifstream in_;
  std::uint64_t size_ = 0;
  Elf64_Ehdr header_{};
};

}  // namespace pombo
