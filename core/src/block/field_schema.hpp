// JSON Schema of tables of fields, as far as a validator is to agree with field_table.
#pragma once

#include <vector>

#include "pombo/fields.hpp"

namespace pombo {

// Of a JSON object with these fields. Takes what the wire takes: null and "" for what need not be
// there, texts for numbers and whole numbers for texts, a field's second spelling.
Json schemaOf(const std::vector<Field>& table);

// Of one value in a query, where all are texts: what they are read as.
Json parameterSchemaOf(const Field&);

}  // namespace pombo
