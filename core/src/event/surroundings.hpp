// What events need of the rest of the gateway, which knows more than they may.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pombo/connector.hpp"

namespace pombo {

// As an envelope shows it.
struct Addressee {
  std::string name = {};
  std::optional<std::string> token = {};
};

// Thread-safe.
class Surroundings {
 public:
  using Failure = std::shared_ptr<const Error>;

  virtual ~Surroundings() = default;

  // Into a block's code, guarded: what it threw, or that it was late; null when all went well. What
  // is late is left behind, so `call` owns everything it touches.
  virtual Failure call(const std::string& block, const std::string& what,
                       std::chrono::milliseconds budget, std::function<void()> call) = 0;
  // By block; constant once the blocks have started.
  virtual std::vector<std::pair<std::string, IEnricher*>> enrichers() const = 0;

  virtual std::string newId() const = 0;  // UUIDv7
  virtual std::string baseUrl() const = 0;
  virtual bool knows(const std::vector<InstanceId>&) const = 0;  // all of them
  // Throws Error{notFound} when it is gone.
  virtual Addressee addressee(const InstanceId&, bool withToken) const = 0;
  virtual std::optional<Proxy> proxyFor(const InstanceId&) const = 0;
  // Its media. keepMedia() returns when they are where receivers may fetch them by a link, for a
  // time; it throws an Error whose sentence receivers read, about then at the latest.
  virtual void keepMedia(const Event&, std::chrono::steady_clock::time_point deadline) const = 0;
  virtual std::optional<std::string> mediaLink(const Event&) const = 0;  // nothing: they are not
  virtual Media mediaOf(const Event&) const = 0;

  // Fills in what a connector leaves to core.
  virtual void complete(std::vector<Event>&) const = 0;
  // They are accepted, and on the disk.
  virtual void accepted(const std::vector<Event>&) = 0;
  // Whether the instance's settings keep it from being accepted.
  virtual bool isUnwanted(const Event&) const = 0;
  // Whether no client hears of it: it is for sinks that listen to what blocks tell each other.
  virtual bool isInner(const Event&) const = 0;
};

}  // namespace pombo
