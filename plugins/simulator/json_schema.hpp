#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

// Checks values against a document of JSON Schema (draft 2020-12): the keywords that it knows, and
// no document with others. Unlike a validator by the book it fills in defaults, takes `format` and
// `contentEncoding` for rules, and says what is wrong in words for people.
class JsonSchema {
 public:
  // Throws std::invalid_argument when there is a keyword or a reference that it does not know.
  explicit JsonSchema(const std::string& document);

  // Puts in what is absent and has a default; `definition` is a name in $defs.
  void complete(std::string_view definition, boost::json::value& value) const;
  // The first thing that is wrong: "message.type must be one of: text, image". Of what the value
  // holds, nothing is repeated.
  std::optional<std::string> problemOf(std::string_view definition,
                                       const boost::json::value& value) const;

 private:
  using Schema = boost::json::object;
  using Problem = std::optional<std::string>;

  void requireKnown(const Schema&) const;
  const Schema& referred(const Schema&) const;
  bool holds(const Schema& condition, const boost::json::value&) const;
  void complete(const Schema&, boost::json::value&) const;
  Problem problemOf(const Schema&, const boost::json::value&, const std::string& path) const;
  Problem problemInside(const Schema&, const boost::json::value&, const std::string& path) const;
  Problem problemOfParts(const Schema&, const boost::json::value&, const std::string& path) const;

  boost::json::value document_;
};
