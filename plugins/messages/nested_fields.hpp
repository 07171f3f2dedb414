// Reading what a table of fields does not reach: objects in objects and in lists.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pombo/fields.hpp"

// One object and where it stands: "buttons[0]". What is wrong is told with the whole path.
class Nested {
 public:
  // Throws Error{invalid} unless `value` is an object.
  Nested(const pombo::Json& value, std::string path);

  std::string require(const char* key) const;  // a text, and not a blank one
  std::string find(const char* key) const;     // "" when it is absent
  std::optional<double> findNumber(const char* key) const;
  std::optional<bool> findSwitch(const char* key) const;
  const pombo::Json* findAny(const char* key) const;  // null and absent are the same
  Nested requireObject(const char* key) const;
  std::string pathOf(const char* key) const { return path_ + "." + key; }

 private:
  const pombo::Json& value_;
  std::string path_;
};

// "The 'path' field must be <what>"
[[noreturn]] void refuseType(const std::string& path, const std::string& what);
// Calls for each object of a list.
void eachOf(const pombo::Json& list, const std::string& path,
            const std::function<void(const Nested&)>&);
