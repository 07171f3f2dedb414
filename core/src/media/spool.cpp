#include "media/spool.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "event/kill_point.hpp"
#include "media/spool_file.hpp"
#include "media/spool_folder.hpp"

namespace pombo {
namespace {

namespace fs = std::filesystem;

constexpr auto kFull = "Media storage is full";
constexpr auto kFailed = "Media could not be stored";
constexpr std::size_t kUuid = 36;

// Nothing else in that folder is ours to remove.
bool isInstanceFolder(const std::string& name) {
  return name.size() == kUuid && name.find_first_not_of("0123456789abcdef-") == name.npos;
}

bool isUnfinished(const std::string& name) { return name.ends_with(".part"); }

std::string sizeText(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

// Counted while it is being written; kept when it is there.
class Spool::Room {
 public:
  Room(Spool& spool, const InstanceId& instance, std::uint64_t bytes)
      : spool_(spool), instance_(instance), bytes_(bytes) {
    const auto& most = spool.options_;
    std::lock_guard lock(spool.mutex_);
    const auto its = spool.bytesOf_.find(instance);
    const std::uint64_t mine = its == spool.bytesOf_.end() ? 0 : its->second;
    if (spool.files_ >= most.files || spool.bytes_ + bytes > most.bytes ||
        mine + bytes > most.instanceBytes)
      throw Error(Code::unavailable, kFull);
    ++spool.files_;
    spool.bytes_ += bytes;
    spool.writing_ += bytes;
    spool.bytesOf_[instance] += bytes;
  }
  ~Room() {
    std::lock_guard lock(spool_.mutex_);
    spool_.writing_ -= bytes_;
    spool_.give(instance_, bytes_);
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

 private:
  Spool& spool_;
  const InstanceId& instance_;
  const std::uint64_t bytes_;
};

Spool::Spool(SpoolOptions options, const IClock& clock, Log& log)
    : options_(std::move(options)), clock_(clock), log_(log) {
  makeOwnFolder(options_.folder);
}

void Spool::restore(const std::function<bool(const InstanceId&)>& knows) {
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    const InstanceId instance{entry.path().filename().string()};
    if (!entry.is_directory() || !isInstanceFolder(instance.value)) continue;
    if (knows(instance))
      restoreFolder(instance);
    else
      clearAway(entry.path());
  }
}

void Spool::restoreFolder(const InstanceId& instance) {
  bool empty = true;
  for (const auto& entry : fs::directory_iterator(folderOf(instance))) {
    const std::string name = entry.path().filename().string();
    struct stat about {};
    if (::lstat(entry.path().c_str(), &about) != 0) continue;
    const Kept found{instance, static_cast<std::uint64_t>(about.st_size), stampOf(about)};
    const bool isUseless = found.bytes < kSmallestSpoolFile || isOver(found);
    if (isUnfinished(name) || (isMediaId(name) && isUseless)) {
      clearAway(entry.path());
    } else {
      empty = false;
      std::lock_guard lock(mutex_);
      if (isMediaId(name) && S_ISREG(about.st_mode)) keep(name, found);
    }
  }
  if (empty) clearAway(folderOf(instance));
}

void Spool::requireFits(std::uint64_t bytes) const {
  if (bytes > options_.largest)
    throw Error(Code::tooLarge, "Media is too large (limit " + sizeText(options_.largest) + ")");
}

void Spool::put(const InstanceId& instance, const MediaId& id, const Media& media) try {
  requireFits(media.size);
  try {
    write(instance, id, media);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_such_file_or_directory) throw;
    write(instance, id, media);  // its folder was forgotten under its hands
  }
  std::lock_guard lock(mutex_);
  tells_ = true;
} catch (const Error& error) {
  throw;
} catch (const std::system_error& error) {
  const bool full = error.code() == std::errc::no_space_on_device || error.code().value() == EDQUOT;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(tells_, false))
      log_.write(Level::error, "Media are not stored", {{"reason", error.code().message()}});
  }
  throw Error(Code::unavailable, full ? kFull : kFailed);
}

void Spool::write(const InstanceId& instance, const MediaId& id, const Media& media) {
  const std::uint64_t bytes = spoolFileSize(media);
  const Room room(*this, instance, bytes);
  requireFree();
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    number = ++written_;
  }
  const std::string folder = folderOf(instance), path = pathOf(instance, id);
  const std::string unfinished = path + "." + std::to_string(number) + ".part";
  if (::mkdir(folder.c_str(), 0700) == 0) syncFolder(options_.folder);
  const auto file = openedAt(unfinished, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) throw std::system_error(errno, std::generic_category());
  const auto now = clock_.now();
  try {
    writeSpoolFile(file, media);
    stamp(file, now);
    killPoint("spool.before_rename");
    std::lock_guard name(names_);
    if (::rename(unfinished.c_str(), path.c_str()) != 0)
      throw std::system_error(errno, std::generic_category());
    std::lock_guard lock(mutex_);
    keep(id, {instance, bytes, now});
  } catch (...) {
    ::unlink(unfinished.c_str());
    throw;
  }
  killPoint("spool.after_rename");
  syncFolder(folder);
}

// The database may be on the same disk. Of what others are writing, the disk does not know yet.
void Spool::requireFree() const {
  struct statvfs disk {};
  if (::statvfs(options_.folder.c_str(), &disk) != 0)
    throw std::system_error(errno, std::generic_category());
  std::lock_guard lock(mutex_);
  if (disk.f_bavail * disk.f_frsize < writing_ + options_.freeBytes)
    throw std::system_error(ENOSPC, std::generic_category());
}

bool Spool::renew(const MediaId& id) {
  const auto media = find(id);
  if (!media) return false;
  try {
    const auto now = clock_.now();
    stamp(media->file, now);
    std::lock_guard lock(mutex_);
    const auto found = kept_.find(id);
    if (found == kept_.end()) return false;
    found->second.since = now;
    return true;
  } catch (const std::system_error&) {
    return false;  // and then it is written again
  }
}

std::optional<TimePoint> Spool::endOf(const MediaId& id) const {
  std::lock_guard lock(mutex_);
  const auto found = kept_.find(id);
  if (found == kept_.end() || isOver(found->second)) return std::nullopt;
  return found->second.since + options_.lifetime;
}

std::optional<Media> Spool::find(const MediaId& id) {
  Kept kept;
  {
    std::lock_guard lock(mutex_);
    const auto found = kept_.find(id);
    if (found == kept_.end() || isOver(found->second)) return std::nullopt;
    kept = found->second;
  }
  const auto file = openedAt(pathOf(kept.instance, id), O_RDONLY);
  if (!file && (errno == EMFILE || errno == ENFILE))
    throw Error(Code::unavailable, "Server is busy", std::chrono::seconds(1));
  if (file)
    if (auto media = readSpoolFile(file)) return media;
  // Somebody else has removed it, or the disk has not kept all of it.
  std::lock_guard lock(mutex_);
  const auto found = kept_.find(id);
  if (found != kept_.end() && found->second.since == kept.since) drop(id);
  return std::nullopt;
}

void Spool::forget(const InstanceId& instance) {
  {
    std::lock_guard lock(mutex_);
    for (auto at = kept_.begin(); at != kept_.end();) {
      const auto id = (at++)->first;
      if (kept_.at(id).instance == instance) drop(id);
    }
  }
  if (isInstanceFolder(instance.value)) clearAway(folderOf(instance));
}

void Spool::sweep() {
  std::vector<MediaId> old;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, kept] : kept_)
      if (isOver(kept)) old.push_back(id);
  }
  for (const auto& id : old) {
    std::lock_guard name(names_);
    std::string path;
    {
      std::lock_guard lock(mutex_);
      const auto found = kept_.find(id);
      if (found == kept_.end() || !isOver(found->second)) continue;
      path = pathOf(found->second.instance, id);
      drop(id);
    }
    clearAway(path);
  }
}

std::uint64_t Spool::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

std::uint64_t Spool::files() const {
  std::lock_guard lock(mutex_);
  return files_;
}

std::string Spool::folderOf(const InstanceId& instance) const {
  return options_.folder + "/" + instance.value;
}

std::string Spool::pathOf(const InstanceId& instance, const MediaId& id) const {
  return folderOf(instance) + "/" + id;
}

void Spool::keep(const MediaId& id, Kept kept) {
  drop(id);
  ++files_;
  bytes_ += kept.bytes;
  bytesOf_[kept.instance] += kept.bytes;
  kept_[id] = std::move(kept);
}

void Spool::drop(const MediaId& id) {
  const auto found = kept_.extract(id);
  if (!found.empty()) give(found.mapped().instance, found.mapped().bytes);
}

void Spool::give(const InstanceId& instance, std::uint64_t bytes) {
  --files_;
  bytes_ -= bytes;
  const auto its = bytesOf_.find(instance);
  if (its == bytesOf_.end()) return;
  its->second -= bytes;
  if (its->second == 0) bytesOf_.erase(its);
}

bool Spool::isOver(const Kept& kept) const {
  return clock_.now() - kept.since >= options_.lifetime;
}

}  // namespace pombo
