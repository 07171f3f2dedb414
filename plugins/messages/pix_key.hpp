#pragma once

#include <optional>
#include <string>

// A key of Brazil's instant payments as it is copied: of a CPF or CNPJ the digits alone. Nothing:
// it is no key of this type.
std::optional<std::string> pixKeyIn(const std::string& type, const std::string& key);
