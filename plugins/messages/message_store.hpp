// What was sent and received, for as long as it is kept.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "late_messages.hpp"
#include "pombo/event.hpp"
#include "pombo/observe.hpp"
#include "pombo/storage.hpp"

struct StoredMessage {
  std::string id = {};
  std::string chat = {};    // JID
  std::string sender = {};  // JID
  std::string type = {};    // "text", ...
  bool isOutgoing = false;
  std::string content = {};
  std::string at = {};  // "2026-11-21T10:00:00Z"
  std::int64_t status =
      0;  // -1 error, 0 pending, 1 sent, 2 delivered, 3 received, 4 read, 5 played
  std::string mediaType = {};  // empty: no media
  std::string mimeType = {};
  std::string fileName = {};
  pombo::Json reply = {};  // {messageId, senderJid, text}, or null
  pombo::Json extra = {};  // what else the event's `message` has: poll, location, ...
  bool isEdited = false;
  bool isDeleted = false;
};

// Whether it is an edit, a revocation or a deletion of one message.
bool changesAMessage(const pombo::Event&);

// Thread-safe.
class MessageStore {
 public:
  struct Keeping {
    std::chrono::hours messages;
    std::chrono::hours media;
  };
  // Times as messages have them, both included.
  struct Stretch {
    std::string from;
    std::string to;
    std::int64_t most;
  };

  MessageStore(pombo::ISql&, const pombo::IClock&, Keeping);

  // Ids are unique within a chat: of several the one in `chat`, else one that was sent, else the
  // oldest.
  std::optional<StoredMessage> find(const pombo::InstanceId&, const std::string& id,
                                    const std::string& chat = "") const;
  // Of its media; may be as large as a file. Empty: the bytes are not there any more.
  std::string mediaKeyOf(const pombo::InstanceId&, const StoredMessage&) const;
  // Whose a message with this id is; of very many, some.
  std::vector<pombo::InstanceId> ownersOf(const std::string& id) const;

  // Of a chat, the newest first.
  std::vector<StoredMessage> history(const pombo::InstanceId&, const std::string& chat,
                                     const Stretch&) const;

  // What was just sent can be answered before its event comes back; in chats that may be ignored
  // only what the event says is kept. `id`: that under which it was pending.
  void keepSent(const pombo::InstanceId&, const std::string& id, const pombo::Json& exchange);
  // "message.exchange" and "message.status"; of one instance one after the other. Throws
  // Error{unavailable} for what changes a message that could not be kept yet: it comes back.
  void take(const pombo::Event&);
  // "chat.update": what a phone has deleted for its owner.
  void takeDeletion(const pombo::Event&);
  // All that the block keeps of it.
  void forget(const pombo::InstanceId&);

  // What a route has done, before its event comes back.
  void edit(const pombo::InstanceId&, const StoredMessage&, const std::string& content);
  void remove(const pombo::InstanceId&, const StoredMessage&);
  // With what was said in it until then, also if it is told of later.
  void removeChat(const pombo::InstanceId&, const std::string& chat, pombo::TimePoint until);

  // Deletes what was kept for long enough, once an hour; when there is much of it the next call
  // goes on, and after a failure one a minute later. Whether it has come to an end just now.
  bool sweep();
  // Whose something was counted.
  std::vector<pombo::InstanceId> owners() const;

 private:
  void empty(const pombo::InstanceId&, const std::string& chat, pombo::TimePoint at,
             const std::optional<std::string>& until);
  void takeMessage(const pombo::Event&);
  void requireKept(const pombo::Event&, const std::string& id);
  bool isGone(const pombo::Event&, std::optional<std::int64_t> cleared) const;
  void keepReceived(const pombo::Event&);
  void reveal(const pombo::Event&);
  void takeStatus(const pombo::Event&);
  // Whether there is no more of it.
  bool sweepSome(const std::string& table, const std::string& change, const std::string& which,
                 const std::string& before);

  pombo::ISql& sql_;
  const pombo::IClock& clock_;
  const Keeping keeping_;
  LateMessages late_;
  std::atomic<pombo::TimePoint::rep> nextSweep_{0};
};
