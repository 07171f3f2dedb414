// What can be sent: for each kind the table of its fields, and what is made of them.
#pragma once

#include <string>
#include <vector>

#include "pombo/fields.hpp"

struct MessageKind {
  std::string name;     // in the path, and of the operation "message.<name>"
  std::string summary;  // one line
  std::vector<pombo::Field> fields;
  // Checks what a table cannot say, and makes of the fields what the connector is told. Throws
  // Error{invalid}.
  pombo::Json (*told)(const pombo::Fields&) = nullptr;
  // `content` of the answer, of what the connector was told; null: that of the event.
  std::string (*content)(const pombo::Json& told) = nullptr;
  // What the answer's `data` has beside the usual; null: nothing.
  boost::json::object (*shown)(const pombo::Json& told) = nullptr;
  // The answer's `message`; null: "Message sent successfully".
  std::string (*said)(const pombo::Json& told) = nullptr;
  bool isDirected = true;  // to a `number`, not to everybody
  bool canWait = true;     // takes `delay` and `replyTo`
  bool canMention = false;
  bool hasMedia = false;              // under `mediaUrl` or `mediaBase64`: a large body
  const char* urlField = "mediaUrl";  // what clients call the former
};

// The fields of all kinds like this one, and its own between them.
std::vector<pombo::Field> bodyOf(const MessageKind&);

std::vector<MessageKind> plainKinds();        // text, location, contact, reaction, poll
std::vector<MessageKind> interactiveKinds();  // button, list, carousel, form, pix
std::vector<MessageKind> mediaKinds();        // media, sticker, status
std::vector<MessageKind> calendarKinds();     // event
