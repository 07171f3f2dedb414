// Checking a JSON object against a table of fields, in the wire's own sentences.
#pragma once

#include <string>
#include <vector>

#include "pombo/fields.hpp"

namespace pombo {

struct Checked {
  Json values;                     // every field of the table, fallbacks filled in
  std::vector<std::string> given;  // those that were there and not null; texts may be ""
};

// Throws Error{invalid} for the first field, in the order of the table, that is missing or of
// another type, and then for the first whose content is not as it says. While the switch of the
// table is not off, a fallback is looked at like a value: one that will not do says that a field
// has to be there in the words of its content.
Checked checked(const std::vector<Field>& table, const boost::json::object& given);

// Whether the table has a switch and it is not on. A switch that is no boolean counts as on:
// checked() says what is wrong with it.
bool switchedOff(const std::vector<Field>& table, const boost::json::object& given);
const Field* switchOf(const std::vector<Field>& table);

// By name or alias; null when there is none.
const Field* fieldNamed(const std::vector<Field>& table, std::string_view name);

// Letters of a UTF-8 text, as lengths are counted.
std::size_t codePoints(std::string_view text);

}  // namespace pombo
