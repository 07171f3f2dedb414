#include "media/spool_folder.hpp"

#include <fcntl.h>

#include <filesystem>
#include <stdexcept>

namespace pombo {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("media.folder " + path + why);
}

}  // namespace

void makeOwnFolder(const std::string& path) {
  std::error_code error;
  const bool isNew = !fs::exists(path, error);
  if (!error && isNew) fs::create_directories(path, error);
  if (!error && isNew && ::chmod(path.c_str(), 0700) != 0) error = {errno, std::generic_category()};
  struct stat about {};
  if (!error && ::stat(path.c_str(), &about) != 0) error = {errno, std::generic_category()};
  if (error) refuse(path, ": " + error.message());
  if (!S_ISDIR(about.st_mode)) refuse(path, " is no folder");
  if (about.st_uid != ::geteuid())
    refuse(path,
           " belongs to another user: chown it to the server's, or name one that is not there");
  if (about.st_mode & 077)
    refuse(
        path,
        " is open to others: chmod 700 it if it is for media alone, or name one that is not there");
}

Descriptor openedAt(const std::string& path, int flags) {
  return Descriptor(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
}

void syncFolder(const std::string& path) {
  const auto folder = openedAt(path, O_RDONLY | O_DIRECTORY);
  if (!folder || ::fsync(folder.get()) != 0)
    throw std::system_error(errno, std::generic_category());
}

void stamp(const Descriptor& file, TimePoint now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  timespec times[2];
  times[0].tv_sec = times[1].tv_sec = seconds.time_since_epoch().count();
  times[0].tv_nsec = times[1].tv_nsec =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds).count();
  if (::futimens(file.get(), times) != 0) throw std::system_error(errno, std::generic_category());
}

TimePoint stampOf(const struct stat& about) {
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(
      std::chrono::seconds(about.st_mtim.tv_sec) +
      std::chrono::nanoseconds(about.st_mtim.tv_nsec)));
}

void clearAway(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace pombo
