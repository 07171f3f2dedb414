// Models a power cut for one database: an LD_PRELOAD library that remembers, for the files whose
// path starts with $POMBO_POWER_LOSS_PREFIX (not the -shm), every change since their last fsync.
//
// kill -9 cannot lose what was written and not synced, for the page cache outlives the process; a
// power cut can. Before each change a record of the bytes before and after goes to a journal in
// $POMBO_POWER_LOSS_JOURNAL; fsync and fdatasync of a file empty its journal. After the kill
// power_loss_apply.py takes the file back to its last sync and plays some of the records again.
//
// - A kill between record and change is harmless: the bytes before are then still in the file.
// - Several processes may run under the library on one database; the journal is locked.
// - Creating and removing a file counts as durable at once: only contents are modelled.
// - Writes through shared mappings, O_DIRECT and stdio are not seen; SQLite uses none of them
//   for what must last.
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

// Looked up once per call site, on first use: other libraries' constructors run before ours.
#define POMBO_REAL(function)                                                    \
  ([]() {                                                                       \
    static const auto found =                                                   \
        reinterpret_cast<decltype(&::function)>(::dlsym(RTLD_NEXT, #function)); \
    return found;                                                               \
  }())

[[noreturn]] void die(const char* what) {
  // A model that silently misses a change would prove nothing.
  std::fprintf(stderr, "power_loss: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

// As power_loss_apply.py reads it; the bytes before and the bytes after follow.
struct Record {
  static constexpr std::uint32_t kMagic = 0x4c575031;
  enum Kind : std::uint32_t { kWrite = 1, kResize = 2 };

  std::uint32_t magic = kMagic;
  std::uint32_t kind = kWrite;
  std::uint64_t offset = 0;
  std::uint64_t oldLength = 0;
  std::uint64_t newLength = 0;
  std::uint64_t sizeBefore = 0;
  std::uint64_t sizeAfter = 0;
};

class File {
 public:
  explicit File(const std::string& journal)
      : journal_(POMBO_REAL(open)(journal.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (journal_ < 0) die("cannot open the journal");
    const Lock lock(*this);
    dropPartialRecord();
  }

  // Against this process's threads, and against other processes.
  class Lock {
   public:
    explicit Lock(File& file) : file_(file), threads_(file.mutex_) {
      while (::flock(file_.journal_, LOCK_EX) != 0)
        if (errno != EINTR) die("cannot lock the journal");
    }
    ~Lock() {
      const int saved = errno;
      ::flock(file_.journal_, LOCK_UN);
      errno = saved;
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    File& file_;
    std::lock_guard<std::mutex> threads_;
  };

  // Records, then changes; takes the record back when the change failed.
  template <class Change>
  auto change(const Record& record, std::string_view before, std::string_view after,
              const Change& apply) {
    struct stat was {};
    if (::fstat(journal_, &was) != 0) die("cannot stat the journal");
    std::string all(reinterpret_cast<const char*>(&record), sizeof record);
    all.append(before).append(after);
    if (POMBO_REAL(write)(journal_, all.data(), all.size()) != static_cast<ssize_t>(all.size()))
      die("cannot write the journal");
    const auto result = apply();
    if (result < 0) truncateJournal(was.st_size);
    return result;
  }

  void forget() { truncateJournal(0); }

  void isNow(const struct stat& info) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
  // False for a descriptor of a removed file, or one that was closed behind our back and reused.
  bool is(const struct stat& info) const { return device_ == info.st_dev && inode_ == info.st_ino; }

 private:
  void truncateJournal(off_t size) {
    const int saved = errno;
    if (POMBO_REAL(ftruncate)(journal_, size) != 0) die("cannot truncate the journal");
    errno = saved;
  }

  // What a kill in the middle of a record has left; its change has not been made.
  void dropPartialRecord() {
    struct stat info {};
    if (::fstat(journal_, &info) != 0) die("cannot stat the journal");
    off_t good = 0;
    for (;;) {
      Record record;
      const ssize_t n = ::pread(journal_, &record, sizeof record, good);
      if (n != static_cast<ssize_t>(sizeof record)) break;
      if (record.magic != Record::kMagic) die("the journal is not one");
      const off_t end =
          good + static_cast<off_t>(sizeof record + record.oldLength + record.newLength);
      if (end > info.st_size) break;
      good = end;
    }
    if (good != info.st_size) truncateJournal(good);
  }

  std::mutex mutex_;  // guards the order of record and change, and the identity below
  const int journal_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

class Shim {
 public:
  // Never destroyed: threads may still write while the process's own statics go.
  static Shim& instance() {
    static Shim* const shim = new Shim;
    return *shim;
  }

  bool covers(std::string_view path) const {
    return !prefix_.empty() && path.starts_with(prefix_) && !path.ends_with("-shm");
  }

  File* find(int fd) const {
    return fd >= 0 && fd < kDescriptors ? byDescriptor_[fd].load(std::memory_order_acquire)
                                        : nullptr;
  }

  void opened(int fd, std::string_view path) {
    if (fd >= kDescriptors) die("too many descriptors");
    File& file = require(path);
    struct stat info {};
    if (::fstat(fd, &info) != 0) die("cannot stat a file");
    const File::Lock lock(file);
    file.isNow(info);
    byDescriptor_[fd].store(&file, std::memory_order_release);
  }

  void closed(int fd) {
    if (fd >= 0 && fd < kDescriptors) byDescriptor_[fd].store(nullptr, std::memory_order_release);
  }

  File& require(std::string_view path) {
    const std::string name(path.substr(path.rfind('/') + 1));
    const std::lock_guard lock(mutex_);
    auto& known = files_[name];
    if (!known) known = new File(journals_ + "/" + name);
    return *known;
  }

 private:
  static constexpr int kDescriptors = 1 << 16;

  Shim() {
    const char* prefix = std::getenv("POMBO_POWER_LOSS_PREFIX");
    const char* journals = std::getenv("POMBO_POWER_LOSS_JOURNAL");
    if (prefix && journals) {
      prefix_ = prefix;
      journals_ = journals;
    }
  }

  std::string prefix_;
  std::string journals_;
  std::mutex mutex_;  // guards files_
  std::unordered_map<std::string, File*> files_;
  std::array<std::atomic<File*>, kDescriptors> byDescriptor_{};
};

// The bytes of [offset, offset + length) as they are; fewer at the end of the file.
std::string bytesAt(int fd, off_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  std::size_t got = 0;
  while (got < length) {
    const ssize_t n =
        ::pread(fd, bytes.data() + got, length - got, offset + static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) die("cannot read the bytes before a change");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

// offset < 0: where the descriptor stands.
template <class Write>
ssize_t recordedWrite(int fd, off_t offset, std::string_view data, const Write& apply) {
  File* file = Shim::instance().find(fd);
  if (!file) return apply();
  const File::Lock lock(*file);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !file->is(info)) return apply();
  if (::fcntl(fd, F_GETFL) & O_APPEND) offset = info.st_size;
  if (offset < 0) offset = ::lseek(fd, 0, SEEK_CUR);
  const std::string before = bytesAt(fd, offset, data.size());
  Record record;
  record.offset = static_cast<std::uint64_t>(offset);
  record.oldLength = before.size();
  record.newLength = data.size();
  record.sizeBefore = static_cast<std::uint64_t>(info.st_size);
  record.sizeAfter = std::max(record.sizeBefore, record.offset + record.newLength);
  return file->change(record, before, data, apply);
}

template <class Resize>
int recordedResize(int fd, bool mayShrink, off_t size, const Resize& apply) {
  File* file = Shim::instance().find(fd);
  if (!file) return apply();
  const File::Lock lock(*file);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !file->is(info)) return apply();
  if (size == info.st_size || (size < info.st_size && !mayShrink)) return apply();
  std::string tail;
  if (size < info.st_size) tail = bytesAt(fd, size, static_cast<std::size_t>(info.st_size - size));
  Record record;
  record.kind = Record::kResize;
  record.offset = static_cast<std::uint64_t>(size);
  record.oldLength = tail.size();
  record.sizeBefore = static_cast<std::uint64_t>(info.st_size);
  record.sizeAfter = static_cast<std::uint64_t>(size);
  return file->change(record, tail, {}, apply);
}

template <class Sync>
int recordedSync(int fd, const Sync& apply) {
  File* file = Shim::instance().find(fd);
  if (!file) return apply();
  const File::Lock lock(*file);
  struct stat info {};
  const bool ours = ::fstat(fd, &info) == 0 && file->is(info);
  const int result = apply();
  if (result == 0 && ours) file->forget();
  return result;
}

// Opening must not truncate or hide the old bytes from us: O_TRUNC becomes a recorded resize, and
// write-only becomes read and write.
template <class Open>
int recordedOpen(std::string_view path, int flags, const Open& apply) {
  Shim& shim = Shim::instance();
  if ((flags & O_ACCMODE) == O_RDONLY || !shim.covers(path)) return apply(flags);
  int opened = flags & ~O_TRUNC;
  if ((opened & O_ACCMODE) == O_WRONLY) opened = (opened & ~O_ACCMODE) | O_RDWR;
  const int fd = apply(opened);
  if (fd < 0) return fd;
  shim.opened(fd, path);
  if (flags & O_TRUNC) recordedResize(fd, true, 0, [&] { return POMBO_REAL(ftruncate)(fd, 0); });
  return fd;
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  std::array<char, 4096> base{};
  const std::string link =
      folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/" + std::to_string(folder);
  const ssize_t n = ::readlink(link.c_str(), base.data(), base.size());
  return std::string(base.data(), n < 0 ? 0 : static_cast<std::size_t>(n)) + "/" + path;
}

int recordedUnlink(const std::string& path, const auto& apply) {
  Shim& shim = Shim::instance();
  if (!shim.covers(path)) return apply();
  File& file = shim.require(path);
  const File::Lock lock(file);
  // First: a stale journal must never meet a new file of the same name.
  file.forget();
  file.isNow({});
  return apply();
}

mode_t modeOf(int flags, va_list arguments) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE
             ? static_cast<mode_t>(va_arg(arguments, int))
             : 0;
}

}  // namespace

extern "C" {

#define POMBO_OPEN(name)                                                             \
  int name(const char* path, int flags, ...) {                                       \
    va_list arguments;                                                               \
    va_start(arguments, flags);                                                      \
    const mode_t mode = modeOf(flags, arguments);                                    \
    va_end(arguments);                                                               \
    return recordedOpen(absolute(AT_FDCWD, path), flags,                             \
                        [&](int how) { return POMBO_REAL(name)(path, how, mode); }); \
  }
#define POMBO_OPENAT(name)                                                                   \
  int name(int folder, const char* path, int flags, ...) {                                   \
    va_list arguments;                                                                       \
    va_start(arguments, flags);                                                              \
    const mode_t mode = modeOf(flags, arguments);                                            \
    va_end(arguments);                                                                       \
    return recordedOpen(absolute(folder, path), flags,                                       \
                        [&](int how) { return POMBO_REAL(name)(folder, path, how, mode); }); \
  }
POMBO_OPEN(open)
POMBO_OPEN(open64)
POMBO_OPENAT(openat)
POMBO_OPENAT(openat64)

// What a fortified program calls instead.
int __open_2(const char* path, int flags) { return open(path, flags); }
int __open64_2(const char* path, int flags) { return open64(path, flags); }
int __openat_2(int folder, const char* path, int flags) { return openat(folder, path, flags); }
int __openat64_2(int folder, const char* path, int flags) { return openat64(folder, path, flags); }

int creat(const char* path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char* path, mode_t mode) {
  return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

ssize_t write(int fd, const void* data, size_t size) {
  return recordedWrite(fd, -1, {static_cast<const char*>(data), size},
                       [&] { return POMBO_REAL(write)(fd, data, size); });
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return recordedWrite(fd, offset, {static_cast<const char*>(data), size},
                       [&] { return POMBO_REAL(pwrite)(fd, data, size, offset); });
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  return recordedWrite(fd, offset, {static_cast<const char*>(data), size},
                       [&] { return POMBO_REAL(pwrite64)(fd, data, size, offset); });
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  std::string data;
  if (Shim::instance().find(fd))
    for (int i = 0; i < count; ++i)
      data.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return recordedWrite(fd, -1, data, [&] { return POMBO_REAL(writev)(fd, parts, count); });
}

int ftruncate(int fd, off_t size) noexcept {
  return recordedResize(fd, true, size, [&] { return POMBO_REAL(ftruncate)(fd, size); });
}
int ftruncate64(int fd, off64_t size) noexcept {
  return recordedResize(fd, true, size, [&] { return POMBO_REAL(ftruncate64)(fd, size); });
}

#define POMBO_FALLOCATE(name, offset_t)                                            \
  int name(int fd, int mode, offset_t offset, offset_t length) {                   \
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0 && Shim::instance().find(fd))           \
      die("fallocate in a mode that is not modelled");                             \
    const auto apply = [&] { return POMBO_REAL(name)(fd, mode, offset, length); }; \
    return mode ? apply() : recordedResize(fd, false, offset + length, apply);     \
  }
#define POMBO_POSIX_FALLOCATE(name, offset_t)                                      \
  int name(int fd, offset_t offset, offset_t length) {                             \
    /* Its errors are positive. */                                                 \
    return -recordedResize(fd, false, offset + length,                             \
                           [&] { return -POMBO_REAL(name)(fd, offset, length); }); \
  }
POMBO_FALLOCATE(fallocate, off_t)
POMBO_FALLOCATE(fallocate64, off64_t)
POMBO_POSIX_FALLOCATE(posix_fallocate, off_t)
POMBO_POSIX_FALLOCATE(posix_fallocate64, off64_t)

int fsync(int fd) {
  return recordedSync(fd, [&] { return POMBO_REAL(fsync)(fd); });
}
int fdatasync(int fd) {
  return recordedSync(fd, [&] { return POMBO_REAL(fdatasync)(fd); });
}

int unlink(const char* path) noexcept {
  return recordedUnlink(absolute(AT_FDCWD, path), [&] { return POMBO_REAL(unlink)(path); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return recordedUnlink(absolute(folder, path),
                        [&] { return POMBO_REAL(unlinkat)(folder, path, flags); });
}

int close(int fd) {
  Shim::instance().closed(fd);
  return POMBO_REAL(close)(fd);
}

}  // extern "C"
