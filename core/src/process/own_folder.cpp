#include "process/own_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "pombo/host.hpp"

namespace pombo {
namespace {

namespace fs = std::filesystem;

// As many as systemd keeps for users that live as long as a service.
constexpr uid_t kFirstUser = 61184, kUsers = 4336;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("process.folder " + path + why);
}

void make(const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    refuse(path, ": " + std::generic_category().message(errno));
}

// Whether everybody may pass.
bool isOpen(const fs::path& folder) {
  const auto open = [](const fs::path& each) {
    return (fs::status(each).permissions() & fs::perms::others_exec) != fs::perms::none;
  };
  for (fs::path each = fs::canonical(folder); each != each.root_path(); each = each.parent_path())
    if (!open(each)) return false;
  return open("/");
}

}  // namespace

uid_t userOf(const std::string& name) {
  if (::geteuid() != 0) return ::geteuid();
  uid_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return kFirstUser + hash % kUsers;
}

uid_t makeOwnFolder(const std::string& path, const std::string& name) {
  make(path);
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (!folder || ::fstat(folder.get(), &about) != 0)
    refuse(path, ": " + std::generic_category().message(errno));
  const uid_t user = userOf(name);
  if (about.st_uid != user && about.st_uid != ::geteuid()) refuse(path, " belongs to another user");
  if (about.st_mode & 077) refuse(path, " is open to others: chmod 700 it if it is for this alone");
  if (about.st_uid == user) return user;
  const bool free = fs::is_empty(path) && isOpen(fs::path(path).parent_path());
  if (!free || ::fchown(folder.get(), user, user) != 0) return about.st_uid;
  return user;
}

}  // namespace pombo
