// A file that says that it is a block, beside a second reading of it that looks at its bytes.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "block/elf_file.hpp"
#include "block/loader.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

// A file in memory.
int file() {
  static const int fd = ::memfd_create("block", MFD_CLOEXEC);
  return fd;
}

const std::string& path() {
  static const std::string one = "/proc/self/fd/" + std::to_string(file());
  return one;
}

void put(const std::string& bytes) {
  require(::ftruncate(file(), 0) == 0);
  require(::pwrite(file(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

template <class T>
std::optional<T> at(const std::string& bytes, std::uint64_t offset) {
  T value;
  if (offset > bytes.size() || sizeof value > bytes.size() - offset) return std::nullopt;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// What a library must say of itself to be a block, and nothing more; of a file that is whole.
std::optional<BlockMetadata> metadataIn(const std::string& bytes) {
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (!header) return std::nullopt;
  const auto names = at<Elf64_Shdr>(
      bytes, header->e_shoff + std::uint64_t{header->e_shstrndx} * sizeof(Elf64_Shdr));
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    const auto each = at<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!each || each->sh_type != SHT_PROGBITS) continue;
    const auto name = (names ? names->sh_offset : 0) + each->sh_name;
    const std::string wanted(POMBO_SECTION, sizeof POMBO_SECTION);
    if (name > bytes.size() || bytes.compare(name, wanted.size(), wanted) != 0) continue;
    if (each->sh_size != sizeof(BlockMetadata)) return std::nullopt;
    return at<BlockMetadata>(bytes, each->sh_offset);
  }
  return std::nullopt;
}

bool isPrintable(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) return false;
  return true;
}

// A refusal names the file and the reason, and neither can write on a terminal as it likes.
void checkRefusal(const std::string& reason) {
  require(reason.starts_with(path() + ": ") && reason.size() < path().size() + 256);
  require(isPrintable(reason));
}

void checkInspect(const std::string& bytes) {
  try {
    const BlockMetadata found = inspect(path());
    const auto wanted = metadataIn(bytes);
    require(wanted && std::strcmp(wanted->name, found.name) == 0 && isBlockName(found.name));
    require(std::string_view(found.abi) == POMBO_ABI && found.size == sizeof found);
  } catch (const std::runtime_error& refusal) {
    return checkRefusal(refusal.what());
  }
  try {
    identify(path());
    require(false);  // its file is called by a number, and no block is
  } catch (const std::runtime_error& refusal) {
    checkRefusal(refusal.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  put(bytes);
  checkInspect(bytes);
  return 0;
}
