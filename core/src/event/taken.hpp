// Which rows are being worked on, for whoever reads rows while others are written.
#pragma once

#include <cstdint>
#include <unordered_set>

namespace pombo {

// A row that is read may be older than what has been written since: what was given back while a
// read was under way stays hidden from it.
class Taken {
 public:
  void take(std::int64_t id) { taken_.insert(id); }
  void release(std::int64_t id) {
    taken_.erase(id);
    if (reading_) released_.insert(id);
  }
  void beginRead() { reading_ = true; }
  void endRead() {
    reading_ = false;
    released_.clear();
  }
  bool reading() const { return reading_; }
  bool holds(std::int64_t id) const { return taken_.contains(id); }
  bool hides(std::int64_t id) const { return taken_.contains(id) || released_.contains(id); }
  // It was given back while the read was under way.
  bool changed(std::int64_t id) const { return released_.contains(id); }
  std::size_t size() const { return taken_.size() + released_.size(); }

 private:
  std::unordered_set<std::int64_t> taken_, released_;
  bool reading_ = false;
};

}  // namespace pombo
