#include "observe/audit_log.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "observe/timestamp.hpp"

namespace pombo {
namespace {

// Behind a disk that hangs; some four megabytes.
constexpr std::size_t kMostWaiting = 10'000;
constexpr std::chrono::seconds kFlush{5};

std::string reasonOf(int error) {
  char text[128];
  return ::strerror_r(error, text, sizeof text);
}

}  // namespace

// Appends on a thread of its own. Others append to the same file: the command line does.
class AuditLog::File {
 public:
  File(std::string path, Log& log, Metrics& metrics)
      : path_(std::move(path)), log_(log), metrics_(metrics) {
    if (!open())
      throw std::runtime_error("audit.file: cannot open " + path_ + ": " + reasonOf(errno));
    thread_ = std::thread([this] { run(); });
  }
  ~File() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
    ::close(file_);
  }

  void append(std::string line) {
    {
      std::lock_guard lock(mutex_);
      if (waiting_.size() < kMostWaiting)
        waiting_.push_back(std::move(line));
      else
        ++overflowed_;
    }
    wake_.notify_one();
  }

  void flush() {
    std::unique_lock lock(mutex_);
    written_.wait_for(lock, kFlush, [this] { return waiting_.empty() && !writing_; });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_ || !waiting_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      std::vector<std::string> lines;
      lines.swap(waiting_);
      const std::uint64_t overflowed = std::exchange(overflowed_, 0);
      writing_ = true;
      lock.unlock();
      if (overflowed > 0) lose(overflowed, "too many lines are waiting");
      if (!lines.empty()) write(lines);
      lock.lock();
      writing_ = false;
      written_.notify_all();
    }
  }

  bool open() {
    int fresh = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fresh < 0 && errno == ENOENT) fresh = make();
    if (fresh < 0) return false;
    if (file_ >= 0) ::close(file_);
    file_ = fresh;
    return true;
  }

  // The command line may be root's, and the first to write after a rotation: the file is for
  // whoever has the folder all the same, or the server could not append to it.
  int make() const {
    const int made = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    const auto slash = path_.rfind('/');
    const std::string folder = slash == path_.npos ? "." : path_.substr(0, slash + 1);
    struct stat owner {};
    if (made >= 0 && ::geteuid() == 0 && ::stat(folder.c_str(), &owner) == 0 &&
        ::fchown(made, owner.st_uid, owner.st_gid) != 0)
      log_.write(Level::warn, "The audit log stays with root", {{"reason", reasonOf(errno)}});
    return made;
  }

  // Whoever rotates the file moves it away, and tells nobody.
  bool isThere() const {
    struct stat named {};
    struct stat opened {};
    return ::stat(path_.c_str(), &named) == 0 && ::fstat(file_, &opened) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
  }

  void write(const std::vector<std::string>& lines) {
    if (!isThere() && !open()) return lose(lines.size(), reasonOf(errno));
    // The disk may have been full in the middle of the last one.
    const std::size_t first = torn_ ? 1 : 0;
    std::string text(first, '\n');
    for (const auto& line : lines) text += line;
    std::size_t done = 0;
    while (done < text.size()) {
      const auto n = ::write(file_, text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        const int error = errno;
        if (done > 0) torn_ = text[done - 1] != '\n';
        const auto rest = text.begin() + static_cast<std::ptrdiff_t>(std::max(done, first));
        return lose(static_cast<std::uint64_t>(std::count(rest, text.end(), '\n')),
                    reasonOf(error));
      }
      done += static_cast<std::size_t>(n);
    }
    torn_ = false;
    if (lost_ > 0)
      log_.write(Level::warn, "The audit log is written again",
                 {{"lost", std::exchange(lost_, 0)}});
  }

  void lose(std::uint64_t lines, const std::string& reason) {
    if (lost_ == 0)
      log_.write(Level::error, "The audit log cannot be written", {{"reason", reason}});
    lost_ += lines;
    metrics_.count("pombo_audit_lines_lost_total", {}, double(lines));
  }

  const std::string path_;
  Log& log_;
  Metrics& metrics_;
  int file_ = -1;           // this and the next two: the thread's alone
  bool torn_ = false;       // what was written last is not a whole line
  std::uint64_t lost_ = 0;  // lines, since the last one that was written
  std::mutex mutex_;        // guards what follows
  std::condition_variable wake_, written_;
  std::vector<std::string> waiting_;
  std::uint64_t overflowed_ = 0;
  bool writing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

AuditLog::AuditLog(const std::string& file, Log& log, Metrics& metrics)
    : log_(log), metrics_(metrics) {
  for (const char* name : {"pombo_audit_lines_total", "pombo_audit_lines_lost_total"})
    metrics_.count(name, {}, 0);  // there to be watched before anything has happened
  if (!file.empty()) file_ = std::make_unique<File>(file, log, metrics);
}

AuditLog::~AuditLog() = default;

void AuditLog::write(const std::string& action, const std::string& outcome,
                     boost::json::object details) {
  boost::json::object line({{"time", timestamp(std::chrono::system_clock::now())},
                            {"level", "info"},
                            {"message", "Audit"},
                            {"scope", "audit"},
                            {"action", action},
                            {"outcome", outcome}},
                           details.size() + 6, details.storage());
  for (auto& [key, value] : details)
    if (!value.is_null() && !(value.is_string() && value.get_string().empty()))
      line.emplace(key, std::move(value));
  metrics_.count("pombo_audit_lines_total", {});
  if (file_)
    file_->append(serialize(line) + "\n");
  else
    log_.writeAlways(serialize(line));
}

void AuditLog::flush() {
  if (file_) file_->flush();
}

}  // namespace pombo
