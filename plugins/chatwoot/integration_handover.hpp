// From whoever has made an integration to whoever keeps it, with the gateway in between.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "integration.hpp"

class IntegrationHandover {
 public:
  // While it lives, the integration can be taken.
  class Offer {
   public:
    Offer(IntegrationHandover& handover, const std::string& instance, const IntegrationWish& wish,
          Integration made)
        : handover_(handover), instance_(instance), wish_(wish) {
      std::lock_guard lock(handover_.mutex_);
      handover_.made_.insert_or_assign(instance_, std::pair(wish_, std::move(made)));
    }
    ~Offer() { handover_.take(instance_, wish_); }
    Offer(const Offer&) = delete;
    Offer& operator=(const Offer&) = delete;

   private:
    IntegrationHandover& handover_;
    const std::string instance_;
    const IntegrationWish wish_;
  };

  // Once, and only by whoever wants exactly this.
  std::optional<Integration> take(const std::string& instance, const IntegrationWish& wish) {
    std::lock_guard lock(mutex_);
    const auto it = made_.find(instance);
    if (it == made_.end() || it->second.first != wish) return std::nullopt;
    auto made = std::move(it->second.second);
    made_.erase(it);
    return made;
  }

 private:
  std::mutex mutex_;  // guards made_
  std::map<std::string, std::pair<IntegrationWish, Integration>> made_;
};
