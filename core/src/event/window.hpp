// The first rows of a long order, in memory; the others stay in the store until their turn.
#pragma once

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "event/record.hpp"

namespace pombo {

// All rows in front of a bound are here (or taken by their owner), none behind it. Rows are put in
// when they are in the store, so a read that began before may not have seen them.
template <class Row>
class Window {
 public:
  using Key = std::pair<std::int64_t, std::int64_t>;
  using Rows = std::vector<std::pair<Key, Row>>;

  // `stored`: the store may hold rows that were never put in.
  Window(std::size_t size, bool stored) : size_(size), bound_(stored ? kFirst : kLast) {}

  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  const Key& frontKey() const { return rows_.begin()->first; }
  const Row& front() const { return rows_.begin()->second; }
  Row pop() {
    Row row = std::move(rows_.begin()->second);
    rows_.erase(rows_.begin());
    return row;
  }
  bool erase(const Key& key) { return rows_.erase(key) > 0; }
  const std::map<Key, Row>& rows() const { return rows_; }
  template <class Condition>
  bool eraseIf(const Condition& condition) {
    return std::erase_if(rows_, [&](const auto& each) { return condition(each.second); }) > 0;
  }
  void clear() {
    rows_.clear();
    distrust();
  }

  // A row that is in the store since just now. Returns what had to make room, or the row itself.
  std::optional<Row> insert(const Key& key, Row row) {
    if (!(key < bound_)) {
      if (key < missed_) missed_ = key;
      return row;
    }
    rows_.emplace(key, std::move(row));
    return rows_.size() > 2 * size_ ? std::optional(shrink()) : std::nullopt;
  }

  // What was popped, and keeps its turn.
  void putBack(const Key& key, Row row) { rows_.emplace(key, std::move(row)); }

  // There may be rows in the store that nobody has told of: what is behind them waits for a load.
  void distrust() { bound_ = missed_ = kFirst; }

  bool wantsLoad() const { return bound_ != kLast && rows_.size() <= size_ / 2; }
  void beginLoad() { missed_ = kLast; }
  // The first rows of the store, less what their owner has hidden. `reach`: the key of the last row
  // that was read, hidden or not, when there are more behind it.
  void load(Rows found, const std::optional<Key>& reach);

 private:
  static constexpr Key kFirst{std::numeric_limits<std::int64_t>::min(), 0};
  static constexpr Key kLast{kNever, kNever};

  Row shrink() {
    const auto last = std::prev(rows_.end());
    bound_ = std::min(bound_, last->first);
    if (bound_ < missed_) missed_ = bound_;
    Row row = std::move(last->second);
    rows_.erase(last);
    return row;
  }

  const std::size_t size_;
  std::map<Key, Row> rows_;
  Key bound_;
  Key missed_ = kLast;  // the first that came behind the bound while a load was under way
};

template <class Row>
void Window<Row>::load(Rows found, const std::optional<Key>& reach) {
  Key bound = reach ? Key{reach->first, reach->second + 1} : kLast;
  bound = std::min(bound, missed_);
  bound_ = std::max(bound_, bound);
  for (auto& [key, row] : found)
    if (key < bound_) rows_.emplace(key, std::move(row));
}

}  // namespace pombo
