#include "schema_store.hpp"

namespace {

// `edited`: when, in microseconds; 0: never.
const char* const kMessages = R"sql(
CREATE TABLE messages_kept (
  instance_id TEXT NOT NULL,
  id TEXT NOT NULL,
  chat TEXT NOT NULL,
  sender TEXT NOT NULL,
  type TEXT NOT NULL,
  outgoing BIGINT NOT NULL,
  content TEXT NOT NULL,
  at TEXT NOT NULL,
  status BIGINT NOT NULL,
  media_type TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  file_name TEXT NOT NULL,
  media_key TEXT NOT NULL,
  reply TEXT NOT NULL,
  extra TEXT NOT NULL,
  edited BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  counted BIGINT NOT NULL,
  PRIMARY KEY (instance_id, id, chat)
);
CREATE INDEX messages_kept_by_id ON messages_kept (id);
CREATE INDEX messages_kept_by_chat ON messages_kept (instance_id, chat, at);
CREATE INDEX messages_kept_by_time ON messages_kept (at);
CREATE INDEX messages_kept_with_media ON messages_kept (at) WHERE media_key <> '';
CREATE TABLE messages_counts (
  instance_id TEXT NOT NULL,
  what TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (instance_id, what)
);
CREATE TABLE messages_chats (
  instance_id TEXT NOT NULL,
  jid TEXT NOT NULL,
  PRIMARY KEY (instance_id, jid)
))sql";

// Chats that were deleted, and when, in microseconds: what was said before, and is told of later,
// is deleted as well.
const char* const kCleared = R"sql(
CREATE TABLE messages_cleared (
  instance_id TEXT NOT NULL,
  chat TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (instance_id, chat)
))sql";

// Few at a time: they are counted when somebody asks, and looked through for what is overdue.
const char* const kPending = R"sql(
CREATE INDEX messages_kept_pending ON messages_kept (instance_id, at)
  WHERE counted = -1 AND status = 0)sql";

// From the first message that was counted to the last.
const char* const kSpans = R"sql(
CREATE TABLE messages_spans (
  instance_id TEXT NOT NULL,
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  PRIMARY KEY (instance_id)
);
INSERT INTO messages_spans (instance_id, first_at, last_at)
  SELECT instance_id, MIN(at), MAX(at) FROM messages_kept WHERE counted = 1 GROUP BY instance_id
)sql";

const char* const kVotes = R"sql(
CREATE TABLE messages_votes (
  instance_id TEXT NOT NULL,
  poll TEXT NOT NULL,
  chat TEXT NOT NULL,
  voter TEXT NOT NULL,
  lid TEXT NOT NULL,
  name TEXT NOT NULL,
  options TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (instance_id, poll, chat, voter)
);
CREATE INDEX messages_votes_by_time ON messages_votes (at))sql";

// What was deleted stays: the phone may yet speak of it. `changed`: when, in microseconds.
const char* const kLabels = R"sql(
CREATE TABLE messages_labels (
  instance_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  color BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  PRIMARY KEY (instance_id, id)
);
CREATE TABLE messages_labelled (
  instance_id TEXT NOT NULL,
  label TEXT NOT NULL,
  chat TEXT NOT NULL,
  labeled BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  PRIMARY KEY (instance_id, label, chat)
))sql";

const char* const kContacts = R"sql(
CREATE TABLE messages_contacts (
  instance_id TEXT NOT NULL,
  jid TEXT NOT NULL,
  lid TEXT NOT NULL,
  first_name TEXT NOT NULL,
  full_name TEXT NOT NULL,
  push_name TEXT NOT NULL,
  business_name TEXT NOT NULL,
  PRIMARY KEY (instance_id, jid)
);
CREATE INDEX messages_contacts_by_lid ON messages_contacts (instance_id, lid))sql";

}  // namespace

std::vector<pombo::Migration> messagesTables() {
  return {{1, kMessages}, {2, kSpans},   {3, kVotes},  {4, kLabels},
          {5, kContacts}, {6, kCleared}, {7, kPending}};
}
