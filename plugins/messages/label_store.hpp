// The labels of chats ("tags" on the wire), as the phone has them.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/observe.hpp"
#include "pombo/storage.hpp"

struct Label {
  std::string id = {};
  std::string name = {};
  std::int64_t color = 0;
};

struct LabelledChat {
  std::string chat = {};  // JID
  Label label = {};
};

// What a route has done is told by an event as well, which may come when the next has been done
// already: of two changes the later one counts, whichever comes first. Thread-safe.
class LabelStore {
 public:
  LabelStore(pombo::ISql& sql, const pombo::IClock& clock) : sql_(sql), clock_(clock) {}

  // Of an instance, by their ids.
  std::vector<Label> list(const pombo::InstanceId&) const;
  std::optional<Label> find(const pombo::InstanceId&, const std::string& id) const;
  // In the order of the chats.
  std::vector<LabelledChat> chatsOf(const pombo::InstanceId&) const;

  // With an id that no label has had. Throws Error{conflict} "Tag already exists".
  Label create(const pombo::InstanceId&, const std::string& name, std::int64_t color);
  void remove(const pombo::InstanceId&, const std::string& id);
  void assign(const pombo::InstanceId&, const std::string& id, const std::string& chat, bool on);
  // All there was when the phone was asked: `known` is {labels[{id, name, color}],
  // chats[{id, chat}]}. What was changed since stays.
  void replace(const pombo::InstanceId&, const pombo::Json& known, pombo::TimePoint asked);
  // A "label.update".
  void take(const pombo::Event&);

 private:
  std::string nextId(const pombo::InstanceId&) const;
  // Of a change that counts whatever was before, even if the clock has been put back.
  std::int64_t timeOfChange(const pombo::InstanceId&, const std::string& id) const;

  pombo::ISql& sql_;
  const pombo::IClock& clock_;
  std::mutex mutex_;  // from looking which ids and names there are to taking one
};
