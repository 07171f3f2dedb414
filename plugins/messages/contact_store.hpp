// Whom an instance knows: what its phone says of people, and what their messages say.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/storage.hpp"

struct Contact {
  std::string jid = {};
  std::string lid = {};  // empty, as the names below: it is not known
  std::string firstName = {};
  std::string fullName = {};
  std::string pushName = {};
  std::string businessName = {};

  // As people call them; empty: nobody has said.
  std::string name() const;
};

// Who takes part in a "message.exchange": what it does not say of them stays as it was.
std::vector<pombo::Statement> peopleIn(const pombo::Event&);

// Of a chat: its own, and that by which it was told before or after its number was known.
std::vector<std::string> namesOf(pombo::ISql&, const pombo::InstanceId&, const std::string& chat);

// Thread-safe.
class ContactStore {
 public:
  explicit ContactStore(pombo::ISql& sql) : sql_(sql) {}

  // In the order of their addresses.
  std::vector<Contact> list(const pombo::InstanceId&) const;
  // By either form of the address.
  std::optional<Contact> find(const pombo::InstanceId&, const std::string& jid) const;
  // Of chats that have labels, by the form of the address that the chat has.
  std::map<std::string, Contact> labelled(const pombo::InstanceId&) const;
  // A "contact.update": an empty name takes away, what is absent stays.
  void take(const pombo::Event&);

 private:
  pombo::ISql& sql_;
};
