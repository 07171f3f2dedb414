#include "block/loader.hpp"

#include <elf.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cstring>
#include <fstream>
#include <vector>

namespace pombo {
namespace {

// A file that may be anything: every read is checked against its end.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : in_(path, std::ios::binary | std::ios::ate) {
    if (in_) size_ = static_cast<std::uint64_t>(std::max<std::streamoff>(in_.tellg(), 0));
  }

  // The bytes of the section; empty when there is no such section, or no such file.
  std::string section(const std::string& wanted) const {
    const std::string name = wanted + '\0';
    const auto header = at<Elf64_Ehdr>(0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_shentsize != sizeof(Elf64_Shdr))
      return {};
    const auto names = at<Elf64_Shdr>(header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr));
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      const auto each = at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
      if (each.sh_type != SHT_PROGBITS) continue;
      if (slice(names.sh_offset + each.sh_name, name.size()) == name)
        return slice(each.sh_offset, each.sh_size);
    }
    return {};
  }

 private:
  std::string slice(std::uint64_t offset, std::uint64_t size) const {
    if (offset > size_ || size > size_ - offset) return {};
    std::string bytes(size, '\0');
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(bytes.data(), static_cast<std::streamsize>(size));
    return in_ ? bytes : std::string();
  }
  template <class T>
  T at(std::uint64_t offset) const {
    T value{};
    if (const auto bytes = slice(offset, sizeof(T)); !bytes.empty())
      std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  mutable std::ifstream in_;
  std::uint64_t size_ = 0;
};

}  // namespace

bool isBlockName(const std::string& name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || !lower(name[0])) return false;
  for (const char c : name)
    if (!lower(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

BlockMetadata inspect(const std::string& path) {
  const auto refuse = [&](const std::string& field, const std::string& theirs,
                          const std::string& ours) {
    throw std::runtime_error(path + ": " + field + " is \"" + theirs + "\", this gateway needs \"" +
                             ours + "\"");
  };
  const std::string bytes = ElfFile(path).section(POMBO_SECTION);
  if (bytes.empty())
    throw std::runtime_error(path + ": no " POMBO_SECTION " section, so not a block");
  if (bytes.size() != sizeof(BlockMetadata))
    refuse("section size", std::to_string(bytes.size()), std::to_string(sizeof(BlockMetadata)));

  BlockMetadata found;
  std::memcpy(&found, bytes.data(), sizeof found);
  for (char* text : {found.magic + sizeof found.magic, found.abi + sizeof found.abi,
                     found.name + sizeof found.name, found.version + sizeof found.version})
    text[-1] = '\0';

  if (std::string_view(found.magic) != POMBO_MAGIC) refuse("magic", found.magic, POMBO_MAGIC);
  if (found.size != sizeof found)
    refuse("size", std::to_string(found.size), std::to_string(sizeof found));
  if (std::string_view(found.abi) != POMBO_ABI) refuse("abi", found.abi, POMBO_ABI);
  if (!isBlockName(found.name)) refuse("name", found.name, "[a-z][a-z0-9]*");
  return found;
}

std::unique_ptr<IBlockConfigurator> load(const std::string& path) {
  namespace dll = boost::dll;
  inspect(path);
  // Never closed: unwinding an exception of the library's, or a thread of its own, may outlive any
  // handle.
  static auto& open = *new std::vector<dll::shared_library>;
  const auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local;
  const auto& library = open.emplace_back(boost::dll::fs::absolute(path), mode);
  return std::unique_ptr<IBlockConfigurator>(library.get<IBlockConfigurator*()>("pombo_create")());
}

}  // namespace pombo
