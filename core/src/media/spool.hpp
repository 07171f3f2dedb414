// Files of received media, kept for a while in a folder of their own.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "media/media_links.hpp"
#include "observe/logger.hpp"
#include "pombo/media.hpp"

namespace pombo {

struct SpoolOptions {
  std::string folder;
  std::uint64_t bytes = 0;          // of all that is kept
  std::uint64_t files = 0;          // likewise
  std::uint64_t instanceBytes = 0;  // of one instance's
  std::uint64_t freeBytes = 0;      // that are left to others on that disk
  std::uint64_t largest = 0;        // bytes of one medium
  std::chrono::seconds lifetime{};
};

// <folder>/<instance id>/<media id>, 0600: what has that name is whole, whatever crashed when. How
// old a file is, is the time of its last change. Thread-safe.
class Spool {
 public:
  // Makes the folder. Throws std::runtime_error for the operator, also for one that is not the
  // server's alone.
  Spool(SpoolOptions, const IClock&, Log&);

  // Before anything else: what the last server left. Of instances that are not known any more, and
  // of media that were not finished, nothing stays.
  void restore(const std::function<bool(const InstanceId&)>& knows);

  // Throws Error{tooLarge}, as put() would.
  void requireFits(std::uint64_t bytes) const;
  // Copies, and returns when it is on the disk. Throws Error{tooLarge, unavailable}.
  void put(const InstanceId&, const MediaId&, const Media&);
  // Whether it is there; it has its whole lifetime before it then.
  bool renew(const MediaId&);
  // Until when it is there. Nothing: it is not.
  std::optional<TimePoint> endOf(const MediaId&) const;
  // Nothing: there is none (any more). Throws Error{unavailable} when too many files are open.
  std::optional<Media> find(const MediaId&);

  void forget(const InstanceId&);
  void sweep();  // what is too old goes

  std::uint64_t bytes() const;
  std::uint64_t files() const;

 private:
  struct Kept {
    InstanceId instance;
    std::uint64_t bytes = 0;
    TimePoint since = {};
  };
  class Room;

  std::string folderOf(const InstanceId& instance) const;
  std::string pathOf(const InstanceId& instance, const MediaId& id) const;
  void restoreFolder(const InstanceId&);
  void write(const InstanceId&, const MediaId&, const Media&);
  void requireFree() const;
  void keep(const MediaId&, Kept);  // under mutex_, as the next three
  void drop(const MediaId&);
  void give(const InstanceId&, std::uint64_t bytes);
  bool isOver(const Kept&) const;

  const SpoolOptions options_;
  const IClock& clock_;
  Log& log_;

  std::mutex names_;          // before mutex_: what is swept is not what has just got its name
  mutable std::mutex mutex_;  // guards all below; never held while the disk is at work
  std::unordered_map<MediaId, Kept> kept_;
  std::map<InstanceId, std::uint64_t> bytesOf_;  // with those being written
  std::uint64_t bytes_ = 0, files_ = 0;          // likewise
  std::uint64_t writing_ = 0;                    // bytes, of those being written
  std::uint64_t written_ = 0;                    // numbers files that are not finished
  bool tells_ = true;                            // the next failure
};

}  // namespace pombo
