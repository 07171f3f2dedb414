// A block's sink, as it was subscribed.
#pragma once

#include <memory>
#include <string>

#include "event/record.hpp"
#include "event/sink_lane.hpp"
#include "pombo/error.hpp"
#include "pombo/event.hpp"
#include "storage/session.hpp"

namespace pombo {

inline constexpr std::size_t kLongestName = 1024;  // bytes, of a destination

// One of the sinks is null.
struct Subscriber {
  std::string block;
  IHttpSink* http = nullptr;
  IEventSink* own = nullptr;
  Delivery delivery = {};
  // Its own sink is called there; of one that posts, those requests are made there that carry
  // media, which have to be fetched first.
  std::unique_ptr<SinkLane> lane = {};
  std::unique_ptr<SinkLane> making = {};  // all other requests, and what comes of them

  // `isInner`: no client is to hear of it, whatever its type.
  bool wants(const std::string& type, bool isInner) const {
    return delivery.inner || (!isInner && isOnWire(type));
  }
  bool isLive() const { return delivery.keep == Keep::memory; }
  // What has not begun is dropped. How many calls are still inside of the block then.
  int stop(Crew::Time deadline) {
    return (lane ? lane->stop(deadline) : 0) + (making ? making->stop(deadline) : 0);
  }
  // route() of whichever it is; may outlive this. Throws for what no database takes as a name.
  auto router() const {
    return [http = http, own = own](const Event& event) {
      auto names = http ? http->route(event) : own->route(event);
      std::erase(names, kUnrouted);
      for (const auto& name : names)
        if (name.size() > kLongestName || !isText(name))
          throw Error(Code::invalid, "The name of a destination is too long or not text");
      return names;
    };
  }
};

using Subscribers = std::vector<std::unique_ptr<Subscriber>>;

}  // namespace pombo
