#include "block/elf_file.hpp"

#include <algorithm>
#include <cstring>

namespace pombo {
namespace {

std::string machineName(Elf64_Half machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_386:
      return "i386";
    case EM_ARM:
      return "ARM";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "machine " + std::to_string(machine);
  }
}

constexpr Elf64_Half kMachine =
#if defined(__x86_64__)
    EM_X86_64;
#elif defined(__aarch64__)
    EM_AARCH64;
#else
#error "which machine is this?"
#endif

}  // namespace

ElfFile::ElfFile(const std::string& path) : in_(path, std::ios::binary | std::ios::ate) {
  if (in_) size_ = static_cast<std::uint64_t>(std::max<std::streamoff>(in_.tellg(), 0));
  header_ = at<Elf64_Ehdr>(0);
}

std::string ElfFile::problem() const {
  if (!in_.is_open()) return "cannot be read";
  if (slice(0, SELFMAG) != ELFMAG) return "not a library, so not a block";
  // What follows lies elsewhere in a 32-bit library; this byte does not.
  if (slice(EI_CLASS, 1) == std::string(1, ELFCLASS32))
    return "a 32-bit library, this gateway needs 64-bit ones";
  if (size_ < sizeof header_) return "the file is cut short";
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
      header_.e_type != ET_DYN)
    return "not a library, so not a block";
  if (header_.e_machine != kMachine)
    return "a library for " + machineName(header_.e_machine) + ", this gateway needs one for " +
           machineName(kMachine);
  return isWhole() ? "" : "the file is cut short";
}

bool ElfFile::isWhole() const {
  const auto within = [&](std::uint64_t offset, std::uint64_t size) {
    return offset <= size_ && size <= size_ - offset;
  };
  if (header_.e_shentsize != sizeof(Elf64_Shdr) ||
      !within(header_.e_shoff, std::uint64_t{header_.e_shnum} * sizeof(Elf64_Shdr)))
    return false;
  if (header_.e_phnum == 0) return true;
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) return false;
  for (unsigned i = 0; i < header_.e_phnum; ++i) {
    const auto offset = header_.e_phoff + i * sizeof(Elf64_Phdr);
    if (!within(offset, sizeof(Elf64_Phdr))) return false;
    const auto segment = at<Elf64_Phdr>(offset);
    if (segment.p_type == PT_LOAD && !within(segment.p_offset, segment.p_filesz)) return false;
  }
  return true;
}

std::string ElfFile::section(const std::string& wanted) const {
  const std::string name = wanted + '\0';
  const auto sectionAt = [&](unsigned i) {
    return at<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr));
  };
  const auto names = sectionAt(header_.e_shstrndx);
  for (unsigned i = 0; i < header_.e_shnum; ++i) {
    const auto each = sectionAt(i);
    if (each.sh_type != SHT_PROGBITS) continue;
    if (slice(names.sh_offset + each.sh_name, name.size()) == name)
      return slice(each.sh_offset, each.sh_size);
  }
  return {};
}

std::string ElfFile::slice(std::uint64_t offset, std::uint64_t size) const {
  if (offset > size_ || size > size_ - offset) return {};
  std::string bytes(size, '\0');
  in_.clear();
  in_.seekg(static_cast<std::streamoff>(offset));
  in_.read(bytes.data(), static_cast<std::streamsize>(size));
  return in_ ? bytes : std::string();
}

template <class T>
T ElfFile::at(std::uint64_t offset) const {
  T value{};
  if (const auto bytes = slice(offset, sizeof(T)); !bytes.empty())
    std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

}  // namespace pombo
