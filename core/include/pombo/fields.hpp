// What a block can be told: declared once, as a table; read through one typed reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "pombo/error.hpp"

namespace pombo {

enum class Type {
  boolean,
  integer,  // a string of digits is taken too
  number,   // likewise
  string,   // a whole number is taken too
  url,      // http or https; what may be dialled is asked with IHttpClient::requireAllowed
  strings,
  object,
  objects,
  any,  // checked by the block
};

// When a field has to be there. The switch of a table is its field "<name>Enabled" or "enabled".
enum class Need { optional, always, whenEnabled };

// What a string may hold.
enum class Text {
  any,
  printable,  // no control characters
  host,       // an IP address or a host name
  segment,    // printable, no "/" and no "..": a name that ends up in a path
  path,       // printable, no "..": what may come before one
};

// One field of a create request, of a route's body or query, or of a node in the YAML file. Core
// checks values against it, fills in `fallback`, and writes the API description, the console's form
// and the documentation from it. Lengths are in code points; zero or null means no limit.
struct Field {
  std::string name = {};  // in a create request: the block's name, then an upper-case letter
  Type type = Type::string;
  Json fallback = {};    // what an absent field reads as; null: nothing
  std::string doc = {};  // one sentence
  Need need = Need::optional;
  bool secret = false;  // never logged, never shown
  std::optional<std::int64_t> min = {};
  std::optional<std::int64_t> max = {};
  std::uint32_t minLength = 0;
  std::uint32_t maxLength = 0;
  std::vector<std::string> choices = {};  // of a string, or of each item of a list
  std::string refusal = {};  // said instead of "must be one of"; "<value>" is what was given
  Text text = Text::any;
  bool distinct = false;   // repetitions in a list are dropped, order kept
  std::string alias = {};  // a second spelling; `name` wins when both are given
  bool operator==(const Field&) const = default;
};

// As it stands in "The 'port' field must be an integer".
inline const char* wordsFor(Type type) {
  switch (type) {
    case Type::boolean:
      return "a boolean";
    case Type::integer:
      return "an integer";
    case Type::number:
      return "a number";
    case Type::string:
    case Type::url:
      return "a string";
    case Type::strings:
      return "a list of strings";
    case Type::object:
      return "an object";
    case Type::objects:
      return "a list of objects";
    case Type::any:
      return "a value";
  }
  return "";
}

// Typed reading of a JSON object. Absent and null are the same thing, and so is a document that is
// not an object. Borrows `document`.
class Fields {
 public:
  explicit Fields(const Json& document) : document_(document) {}
  explicit Fields(Json&&) = delete;  // it would dangle

  template <class T>
  std::optional<T> find(std::string_view key) const {
    const auto* object = document_.if_object();
    const auto* value = object ? object->if_contains(key) : nullptr;
    if (!value || value->is_null()) return std::nullopt;
    if (auto read = boost::json::try_value_to<T>(*value)) return std::move(*read);
    throw Error(Code::invalid, said(key) + "must be " + wordsFor(typeOf<T>()));
  }

  template <class T>
  T get(std::string_view key, T fallback) const {
    return find<T>(key).value_or(std::move(fallback));
  }

  template <class T>
  T require(std::string_view key) const {
    if (auto value = find<T>(key)) return *std::move(value);
    throw Error(Code::invalid, said(key) + "is required");
  }

  const Json& document() const { return document_; }

 private:
  template <class T>
  static constexpr Type typeOf() {
    if constexpr (std::is_same_v<T, bool>)
      return Type::boolean;
    else if constexpr (std::is_integral_v<T>)
      return Type::integer;
    else if constexpr (std::is_floating_point_v<T>)
      return Type::number;
    else if constexpr (std::is_convertible_v<T, std::string_view>)
      return Type::string;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>)
      return Type::strings;
    else
      return Type::object;
  }
  static std::string said(std::string_view key) { return "The '" + std::string(key) + "' field "; }

  const Json& document_;
};

}  // namespace pombo
