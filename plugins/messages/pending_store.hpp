// Messages that were asked for, from before they are sent until somebody tells what has become of
// them. They stand among the others: what they become takes their place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/observe.hpp"
#include "pombo/storage.hpp"

struct PendingMessage {
  pombo::InstanceId instance = {};
  std::string id = {};
  std::string chat = {};  // JID
};

// Thread-safe.
class PendingStore {
 public:
  PendingStore(pombo::ISql& sql, const pombo::IClock& clock)
      : sql_(sql), clock_(clock), started_(clock.now()) {}

  void keep(const pombo::InstanceId&, const pombo::Json& exchange);
  // One that is pending is so no more: it was not sent.
  void fail(const pombo::InstanceId&, const std::string& id);
  // Nothing is said of it.
  void drop(const PendingMessage&);
  // Those that were pending for half an hour, in which this server ran; of very many, some.
  std::vector<PendingMessage> overdue() const;

 private:
  pombo::ISql& sql_;
  const pombo::IClock& clock_;
  const pombo::TimePoint started_;
};

// Of a message that nobody has told of, but that may have been received or given up already;
// nothing unless it is one.
std::optional<std::int64_t> statusSoFar(pombo::ISql&, const pombo::InstanceId&,
                                        const std::string& id);
// What it becomes when it is told of: `insertion`, in `chat`, takes its place and its status.
std::vector<pombo::Statement> settling(const pombo::InstanceId&, const std::string& id,
                                       std::optional<std::int64_t> soFar,
                                       pombo::Statement insertion, const std::string& chat);
