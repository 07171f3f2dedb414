#include "http/connection_cap.hpp"

#include <mutex>
#include <unordered_map>

#include "http/authentication.hpp"

namespace pombo {
namespace {

// Accepted, and on their way to the thread that will find them a place.
constexpr std::size_t kOnTheirWay = 64;
constexpr std::chrono::minutes kTellAgain{10};
constexpr std::size_t kMostTold = 1000;

}  // namespace

struct ConnectionCap::Book {
  mutable std::mutex mutex;  // guards what follows
  std::size_t all = 0;
  std::unordered_map<std::string, std::size_t> byAddress;  // none has 0
  std::unordered_map<std::string, Time> told;
};

ConnectionCap::Place::~Place() {
  if (!book_) return;
  const std::lock_guard lock(book_->mutex);
  --book_->all;
  if (address_ && --address_->second == 0) {
    const auto gone = book_->byAddress.find(address_->first);
    book_->byAddress.erase(gone);
  }
}

ConnectionCap::ConnectionCap(ConnectionLimits limits)
    : limits_(std::move(limits)), book_(std::make_shared<Book>()) {}

ConnectionCap::Verdict ConnectionCap::enter(const std::string& address, Place& place) {
  const bool counted = limits_.perAddress > 0 && !(limits_.isShared && limits_.isShared(address));
  const std::string key = counted ? ClientAddress::bucketOf(address) : "";
  const std::lock_guard lock(book_->mutex);
  if (book_->all >= limits_.all + kOnTheirWay) return Verdict::full;
  Counted* const of = counted ? &*book_->byAddress.try_emplace(key).first : nullptr;
  if (of && of->second >= limits_.perAddress) return Verdict::tooManyOfAddress;
  if (of) ++of->second;
  ++book_->all;
  place.book_ = book_;
  place.address_ = of;
  return Verdict::entered;
}

bool ConnectionCap::crowded() const { return inside() > limits_.all; }

std::size_t ConnectionCap::inside() const {
  const std::lock_guard lock(book_->mutex);
  return book_->all;
}

bool ConnectionCap::mayTell(const std::string& subject, Time now) {
  const std::lock_guard lock(book_->mutex);
  auto& told = book_->told;
  const auto old = [&](const auto& each) { return now - each.second >= kTellAgain; };
  if (told.size() >= kMostTold) std::erase_if(told, old);
  const auto found = told.find(subject);
  if (found == told.end()) return told.size() < kMostTold && told.emplace(subject, now).second;
  if (!old(*found)) return false;
  found->second = now;
  return true;
}

}  // namespace pombo
