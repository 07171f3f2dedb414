#include "block/route_table.hpp"

#include <algorithm>

#include "net/method.hpp"

namespace pombo {

void RouteTable::requireOpen(const std::string& block) const {
  if (closed_ || dropped_.contains(block))
    throw Error(Code::internal, "too late: routes and dialects are added in start()");
}

void RouteTable::add(ServedRoute served) {
  const Route& route = served.route;
  const std::string name = std::string(wordOf(route.method)) + " " + route.path;
  std::lock_guard lock(filling_);
  requireOpen(served.block);
  if (!route.path.starts_with('/') || route.path.find("//") != route.path.npos ||
      (route.path.size() > 1 && route.path.ends_with('/')))
    throw Error(Code::invalid, "'" + route.path + "' is not a path");
  if (holds(route.method, route.path)) throw Error(Code::conflict, name + " is taken");
  routes_.push_back(std::make_unique<const ServedRoute>(std::move(served)));
}

bool RouteTable::serves(Method method, const std::string& path) const {
  std::lock_guard lock(filling_);
  return holds(method, path);
}

bool RouteTable::holds(Method method, const std::string& path) const {
  return std::any_of(routes_.begin(), routes_.end(), [&](const auto& each) {
    return each->route.method == method && each->route.path == path;
  });
}

void RouteTable::addDialect(const std::string& block, const std::string& name, ErrorWriter writer) {
  std::lock_guard lock(filling_);
  requireOpen(block);
  if (!dialects_.try_emplace({block, name}, std::move(writer)).second)
    throw Error(Code::conflict, "dialect " + name + " is taken");
}

void RouteTable::drop(const std::string& block) {
  std::lock_guard lock(filling_);
  dropped_.insert(block);
  std::erase_if(routes_, [&](const auto& each) { return each->block == block; });
  std::erase_if(dialects_, [&](const auto& each) { return each.first.first == block; });
}

void RouteTable::drop(Access access) {
  std::lock_guard lock(filling_);
  std::erase_if(routes_, [&](const auto& each) { return each->route.access == access; });
}

void RouteTable::audit(Method method, const std::string& path, const std::string& word) {
  change(method, path, [&](ServedRoute& served) { served.audit = word; });
}

void RouteTable::nameSeveral(Method method, const std::string& path) {
  change(method, path, [](ServedRoute& served) { served.several = true; });
}

void RouteTable::change(Method method, const std::string& path,
                        const std::function<void(ServedRoute&)>& how) {
  std::lock_guard lock(filling_);
  requireOpen({});
  for (auto& each : routes_) {
    if (each->route.method != method || each->route.path != path) continue;
    ServedRoute changed = *each;
    how(changed);
    each = std::make_unique<const ServedRoute>(std::move(changed));
  }
}

void RouteTable::close() {
  std::lock_guard lock(filling_);
  closed_ = true;
}

const ErrorWriter* RouteTable::dialect(const std::string& block, const std::string& name) const {
  const auto it = dialects_.find({block, name});
  return it == dialects_.end() ? nullptr : &it->second;
}

void RouteTable::await(const std::string& requestId, Deadline deadline, Waiter waiter,
                       std::function<void()> late) {
  std::unique_lock lock(mutex_);
  const auto it = early_.find(requestId);
  if (it == early_.end()) {
    waiting_.emplace(requestId, Waiting{deadline, std::move(waiter), std::move(late)});
    return;
  }
  const HttpReply reply = std::move(it->second.second);
  early_.erase(it);
  lock.unlock();
  waiter(reply);
}

void RouteTable::expire(Deadline now) {
  std::vector<std::function<void()>> late;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(early_, [&](const auto& each) { return each.second.first <= now; });
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (it->second.deadline > now) {
        ++it;
        continue;
      }
      late.push_back(std::move(it->second.late));
      it = waiting_.erase(it);
    }
  }
  for (const auto& tell : late) tell();
}

void RouteTable::answer(const std::string& requestId, const HttpReply& reply) {
  Waiter waiter;
  {
    std::lock_guard lock(mutex_);
    const auto it = waiting_.find(requestId);
    if (it == waiting_.end()) {
      // The handler may still be on its way out. Bounded: an answer to nothing must cost nothing.
      const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
      if (early_.size() < 4096) early_.emplace(requestId, std::pair(until, reply));
      return;
    }
    waiter = std::move(it->second.waiter);
    waiting_.erase(it);
  }
  waiter(reply);
}

}  // namespace pombo
