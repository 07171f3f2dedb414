// What clients receive of an event, on every channel.
#pragma once

#include "event/catalogue_shape.hpp"
#include "event/surroundings.hpp"
#include "pombo/observe.hpp"

namespace pombo {

// Thread-safe.
class Envelope {
 public:
  static constexpr std::uint64_t kMostMedia = 16 << 20;  // bytes that are sent inline

  Envelope(const Surroundings& around, const IClock& clock, bool includeToken, MessageShape shape)
      : around_(around), clock_(clock), includeToken_(includeToken), shape_(shape) {}

  // Throws Error{notFound} when the instance is gone.
  Json of(const Event&, bool withMediaBase64) const;

 private:
  void showLink(const Event&, boost::json::object& shown) const;
  void inlineMedia(const Event&, boost::json::object& shown) const;

  const Surroundings& around_;
  const IClock& clock_;
  const bool includeToken_;
  const MessageShape shape_;
};

}  // namespace pombo
