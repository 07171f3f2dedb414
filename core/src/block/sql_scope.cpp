#include "block/sql_scope.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include "pombo/error.hpp"

namespace pombo {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Code::forbidden, why); }

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Words, quoted names (after a quote) and single marks; a text is one quote, whatever it says:
// where a name should stand, SQLite takes it for one. Comments are left out.
std::vector<std::string> tokensOf(const std::string& sql) {
  std::vector<std::string> tokens;
  for (std::size_t at = 0; at < sql.size();) {
    const char c = sql[at];
    if (sql.compare(at, 2, "--") == 0) {
      at = std::min(sql.find_first_of("\r\n", at), sql.size());
    } else if (sql.compare(at, 2, "/*") == 0) {
      const auto end = sql.find("*/", at + 2);
      // PostgreSQL's lie in one another, SQLite's do not.
      if (const auto inner = sql.find("/*", at + 2); inner < end) refuse("A comment in a comment");
      at = end == sql.npos ? sql.size() : end + 2;
    } else if (c == '\'') {
      // E'\'' ends elsewhere than 'x' does, and not in every database.
      if (at > 0 && isWord(sql[at - 1])) refuse("Texts stand in plain quotes");
      at = std::min(sql.find('\'', at + 1), sql.size() - 1) + 1;
      tokens.emplace_back("'");
    } else if (c == '"') {
      const auto end = std::min(sql.find('"', at + 1), sql.size());
      tokens.push_back(sql.substr(at, end - at));
      at = std::min(end + 1, sql.size());
    } else if (isWord(c)) {
      const auto first = at;
      while (at < sql.size() && isWord(sql[at])) ++at;
      tokens.push_back(sql.substr(first, at - first));
    } else {
      if (!std::isspace(static_cast<unsigned char>(c))) tokens.emplace_back(1, c);
      ++at;
    }
  }
  for (auto& token : tokens)
    std::transform(token.begin(), token.end(), token.begin(), [](char c) {
      return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
  return tokens;
}

// PostgreSQL's functions that read files, settings and tables whose names stand in texts.
bool isOfTheServer(const std::string& word) {
  static const std::set<std::string> words{
      "set_config",    "current_setting", "dblink",        "query_to_xml", "table_to_xml",
      "schema_to_xml", "database_to_xml", "cursor_to_xml", "ts_stat",      "query_to_xmlschema",
      "loread",        "lowrite",         "xmlparse"};
  const std::string name = word.substr(word.starts_with('"') ? 1 : 0);
  return name.starts_with("pg_") || name.starts_with("dblink_") || name.starts_with("lo_") ||
         words.contains(name) || name.ends_with("_to_xml_and_xmlschema");
}

class Scope {
 public:
  Scope(const std::string& block, std::vector<std::string> tokens)
      : prefix_(block + "_"), tokens_(std::move(tokens)) {}

  void check(bool schema) const {
    checkVerb(schema);
    for (std::size_t at = 0; at < tokens_.size(); ++at) {
      const std::string& word = tokens_[at];
      if (word == "from" || word == "join" || (word == "using" && token(at + 1) != "("))
        checkList(at + 1);
      else if (token(0) == "drop" && (word == "table" || word == "index"))
        checkList(at + 1);
      else if (word == "into" || word == "table" || word == "index" || word == "references")
        checkTable(at + 1);
      else if (word == "update" && token(at + 1) != "set")
        checkTable(at + 1);
      else if (schema && word == "on" && token(at + 2) == "(")
        checkTable(at + 1);
      else if (schema && word == "to" && token(at - 1) == "rename")
        checkTable(at + 1);
      else if (word == "with")
        checkNames(at + 1);
      else if (word == "in" && token(at + 1) != "(")
        refuse("IN takes a list or a SELECT in brackets");
    }
  }

 private:
  const std::string& token(std::size_t at) const {
    static const std::string none;
    return at < tokens_.size() ? tokens_[at] : none;
  }

  void checkVerb(bool schema) const {
    static const std::set<std::string> data{"select", "insert", "update", "delete", "with"};
    static const std::set<std::string> shape{"create", "alter", "drop"};
    const std::string& verb = token(0);
    if (!data.contains(verb) && !(schema && shape.contains(verb)))
      refuse("A block may not run '" + verb + "'");
    const auto end = std::find(tokens_.begin(), tokens_.end(), ";");
    if (end != tokens_.end() && end + 1 != tokens_.end()) refuse("One statement at a time");
    checkValues();
    for (const auto& each : tokens_)
      if (each == "[" || each == "`") refuse("Names are quoted with \"");
    for (const auto& each : tokens_)
      if (each == "$") refuse("Texts stand in plain quotes");
    for (const auto& each : tokens_)
      if (isOfTheServer(each)) refuse("A block may not use '" + each + "'");
    if (shape.contains(verb)) checkShape();
  }

  // A name that stands twice is one value for SQLite and two for PostgreSQL.
  void checkValues() const {
    std::set<std::string> names;
    for (std::size_t at = 0; at + 1 < tokens_.size(); ++at) {
      if (token(at) != ":" || token(at + 1) == ":" || (at > 0 && token(at - 1) == ":")) continue;
      if (!names.insert(token(at + 1)).second)
        refuse("The value ':" + token(at + 1) + "' stands twice: each has a name of its own");
    }
  }

  // PostgreSQL has words that make a table a part of another's, or another's own.
  void checkShape() const {
    static const std::set<std::string> parts{"inherits", "partition", "like"};
    static const std::set<std::string> changes{"add", "alter", "drop", "rename"};
    const bool table = token(1) == "table";
    if (token(0) == "alter" ? !table : !table && token(1) != "index" && token(1) != "unique")
      refuse("A block may create, alter and drop tables, and create and drop indexes");
    if (token(0) == "create")
      for (const auto& each : tokens_)
        if (table && parts.contains(each))
          refuse("A block's table is part of no other: no '" + each + "'");
    if (token(0) != "alter") return;
    int depth = 0;
    for (std::size_t at = nameAt(2) + 1; at < tokens_.size(); ++at) {
      const bool first = at == nameAt(2) + 1 || (depth == 0 && tokens_[at - 1] == ",");
      if (first && tokens_[at] != ";" && !changes.contains(tokens_[at]))
        refuse("A block may not '" + tokens_[at] + "' a table");
      depth += (tokens_[at] == "(") - (tokens_[at] == ")");
    }
  }

  // Past the words that may stand before the name of a table.
  std::size_t nameAt(std::size_t at) const {
    static const std::set<std::string> before{"if", "not", "exists", "only"};
    while (before.contains(token(at))) ++at;
    return at;
  }

  void checkTable(std::size_t at) const {
    at = nameAt(at);
    const std::string name = token(at).substr(token(at).starts_with('"') ? 1 : 0);
    if (!name.starts_with(prefix_))
      refuse("Table '" + name + "' is not one of '" + prefix_ + "...'");
    if (token(at + 1) == ".") refuse("A block may not name a schema");
  }

  // `WITH a AS (...), b AS (...)`: tables too, for as long as the statement runs. With names of
  // their own choice they could stand for another's table in one place and hide it in the next.
  void checkNames(std::size_t at) const {
    if (token(at) == "recursive") ++at;
    for (;; ++at) {
      checkTable(at);
      while (at < tokens_.size() && tokens_[at] != "as") ++at;
      while (at < tokens_.size() && tokens_[at] != "(") ++at;
      at = closing(at) + 1;
      if (token(at) != ",") return;
    }
  }

  // What follows FROM and JOIN: tables and queries in brackets, with commas between them, until a
  // word that can only come after the last of them. What stands in brackets is looked at here only
  // as far as it is a list of tables itself; the rest of it has words of its own to be found by.
  void checkList(std::size_t at) const {
    static const std::set<std::string> ends{"where",  "group",     "order",     "having", "limit",
                                            "window", "union",     "intersect", "except", "values",
                                            "offset", "returning", "select",    "set",    ";"};
    bool expected = true;  // a table
    for (; at < tokens_.size() && !ends.contains(tokens_[at]) && tokens_[at] != ")"; ++at) {
      if (tokens_[at] == "(") {
        const bool query = token(at + 1) == "select" || token(at + 1) == "with";
        if (expected && !query) checkList(at + 1);
        at = closing(at);
        expected = false;
      } else if (expected) {
        checkTable(at);
        expected = false;
      } else {
        expected = tokens_[at] == "," || tokens_[at] == "join";
      }
    }
  }

  std::size_t closing(std::size_t open) const {
    int depth = 0;
    for (std::size_t at = open; at < tokens_.size(); ++at)
      if (tokens_[at] == "(")
        ++depth;
      else if (tokens_[at] == ")" && --depth == 0)
        return at;
    return tokens_.size();
  }

  const std::string prefix_;
  const std::vector<std::string> tokens_;
};

}  // namespace

void requireOwnTables(const std::string& block, const std::string& sql, bool schema) {
  // The store's own marks are spelled out after this look, and may be spelled as nothing: what they
  // stand between would be joined, into a comment or out of a text.
  for (const char* mark : {"{clustered}", "{locked}", "{bytewise}"})
    if (sql.find(mark) != sql.npos) refuse(std::string("A block may not use '") + mark + "'");
  Scope(block, tokensOf(sql)).check(schema);
}

}  // namespace pombo
