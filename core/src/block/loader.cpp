#include "block/loader.hpp"

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <vector>

#include "block/elf_file.hpp"

namespace pombo {

bool isBlockName(const std::string& name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || !lower(name[0])) return false;
  for (const char c : name)
    if (!lower(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

namespace {

// By pombo_add_program_block() of PomboBlock.cmake.
constexpr auto kProgramSection = ".pombo.program";
constexpr std::size_t kLongestName = 255;

bool isFileName(const std::string& name) {
  const auto known = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), known);
}

// A file's own words end up on a terminal.
std::string printable(std::string words) {
  for (char& c : words)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return words;
}

}  // namespace

BlockMetadata inspect(const std::string& path) {
  const auto refuse = [&](const std::string& field, const std::string& theirs,
                          const std::string& ours) {
    throw std::runtime_error(path + ": " + field + " is \"" + printable(theirs) +
                             "\", this gateway needs \"" + ours + "\"");
  };
  const ElfFile file(path);
  if (const auto problem = file.problem(); !problem.empty())
    throw std::runtime_error(path + ": " + problem);
  const std::string bytes = file.section(POMBO_SECTION);
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

std::string programOf(const std::string& library) {
  const std::string said = ElfFile(library).section(kProgramSection);
  if (said.empty()) return {};
  const std::string name = said.substr(0, said.find('\0'));
  if (!isFileName(name))
    throw std::runtime_error(library + ": its program \"" + printable(name) +
                             "\" is no file beside it");
  return std::filesystem::absolute(library).parent_path() / name;
}

BlockMetadata identify(const std::string& path) {
  const BlockMetadata found = inspect(path);
  if (const auto stem = std::filesystem::path(path).stem(); stem != found.name)
    throw std::runtime_error(path + ": name is \"" + found.name + "\", its file's is \"" +
                             stem.string() + "\"");
  return found;
}

std::string naming(const std::string& path, const std::string& reason) {
  return reason.find(path) == reason.npos ? path + ": " + reason : reason;
}

namespace {

// What the system's loader has said, which begins with the path.
std::string reasonIn(const std::string& boost) {
  static const std::string before = "dlerror system message: ";
  const auto begin = boost.find(before);
  const auto end = boost.rfind("): ");
  if (begin == boost.npos || end == boost.npos) return boost;
  return boost.substr(begin + before.size(), end - begin - before.size());
}

using Factory = IBlockConfigurator*();

Factory* factoryOf(const std::string& path) try {
  namespace dll = boost::dll;
  // Never closed: unwinding an exception of the library's, or a thread of its own, may outlive any
  // handle.
  static auto& open = *new std::vector<dll::shared_library>;
  const auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local;
  return open.emplace_back(boost::dll::fs::absolute(path), mode).get<Factory>("pombo_create");
} catch (const boost::system::system_error& error) {
  throw std::runtime_error(reasonIn(error.what()));
}

}  // namespace

std::unique_ptr<IBlockConfigurator> load(const std::string& path) {
  inspect(path);
  if (!programOf(path).empty())
    throw std::runtime_error(path + ": is a program, which runs in a process of its own");
  Factory* const create = factoryOf(path);
  try {
    return std::unique_ptr<IBlockConfigurator>(create());
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": not made: " + error.what());
  } catch (...) {
    throw std::runtime_error(path + ": not made: not a std::exception");
  }
}

}  // namespace pombo
