// Accounts as the admin's routes take and show them: their fields, and what the answers look like.
#pragma once

#include <vector>

#include "account/accounts.hpp"
#include "pombo/fields.hpp"

namespace pombo {

// Of a creation; of a change when there are no fallbacks. `quota: null` is for the route to find.
std::vector<Field> accountFields(bool fallbacks);
const std::vector<Field>& limitFields();  // of `limits`

Json shown(const Account&);
Json schemaOfAccount();
// Of an answer with `success` and all of these.
Json schemaOfAnswer(const boost::json::object& properties);

}  // namespace pombo
