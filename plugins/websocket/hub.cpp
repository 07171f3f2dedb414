#include "hub.hpp"

#include <utility>

bool Hub::add(const std::string& instance, std::size_t most, Listener listener, Key& key) {
  std::lock_guard lock(mutex_);
  auto& all = listeners_[instance];
  if (all.size() >= most) return false;
  key = ++last_;
  all.emplace(key, std::make_shared<const Listener>(std::move(listener)));
  return true;
}

void Hub::remove(const std::string& instance, Key key) {
  std::shared_ptr<const Listener> last;  // goes without the mutex
  std::lock_guard lock(mutex_);
  const auto all = listeners_.find(instance);
  if (all == listeners_.end()) return;
  if (auto entry = all->second.extract(key)) last = std::move(entry.mapped());
  if (all->second.empty()) listeners_.erase(all);
}

bool Hub::has(const std::string& instance) const {
  std::lock_guard lock(mutex_);
  return listeners_.contains(instance);
}

void Hub::send(const std::string& instance, const std::string& event,
               const std::function<Text()>& write) const {
  std::vector<std::shared_ptr<const Listener>> wanting;
  {
    std::lock_guard lock(mutex_);
    const auto all = listeners_.find(instance);
    if (all == listeners_.end()) return;
    for (const auto& [key, listener] : all->second)
      if (listener->events.empty() || listener->events.contains(event)) wanting.push_back(listener);
  }
  if (wanting.empty()) return;
  const Text text = write();
  for (const auto& listener : wanting) listener->send(text);
}
