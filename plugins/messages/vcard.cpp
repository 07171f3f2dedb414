#include "vcard.hpp"

namespace {

// A line end would begin a property of the sender's own.
std::string escaped(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n') {
      line += "\\n";
      continue;
    }
    if (c == '\\' || c == ';' || c == ',') line += '\\';
    line += c;
  }
  return line;
}

}  // namespace

std::string vcardOf(const Person& person, const std::string& digits) {
  const std::string name = escaped(person.fullName);
  std::string card = "BEGIN:VCARD\nVERSION:3.0\nN:;" + name + ";;;\nFN:" + name + "\n";
  if (!person.organization.empty()) card += "ORG:" + escaped(person.organization) + ";\n";
  if (!person.email.empty()) card += "EMAIL:" + escaped(person.email) + "\n";
  if (!person.url.empty()) card += "URL:" + escaped(person.url) + "\n";
  return card + "TEL;type=CELL;type=VOICE;waid=" + digits + ":+" + digits + "\nEND:VCARD";
}
