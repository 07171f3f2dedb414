#pragma once

#include "perform.hpp"

// "message.<kind>": it is sent, delivered and read. "number.find": who has it.
std::map<std::string_view, Operation> messageOperations();
