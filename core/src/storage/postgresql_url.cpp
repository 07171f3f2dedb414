#include "storage/postgresql_url.hpp"

#include <libpq-fe.h>

#include <memory>

#include "storage/session.hpp"

namespace pombo {
namespace {

// A server that does not answer is noticed within seconds, not when the kernel gives up.
const std::map<std::string, std::string>& usual() {
  static const std::map<std::string, std::string> parameters{
      {"application_name", "pombo"}, {"connect_timeout", "5"},  {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},  {"keepalives_count", "3"}, {"tcp_user_timeout", "15000"}};
  return parameters;
}

std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  return text + "'";
}

[[noreturn]] void refuse(const std::string& why) {
  throw StorageError("database: the PostgreSQL URL cannot be read: " + why +
                     "; it looks like postgresql://USER:PASSWORD@HOST:PORT/NAME?sslmode=require, "
                     "with anything but letters and digits in the password as %XX");
}

bool isPort(const std::string& text) { return text.find_first_not_of("0123456789,") == text.npos; }

}  // namespace

PostgresqlUrl::PostgresqlUrl(const std::string& url) {
  char* problem = nullptr;  // may repeat the password: not shown
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), &problem), PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> owned(problem, PQfreemem);
  if (!options || url.find('\0') != url.npos) refuse("something in it is not as it has to be");
  for (const auto* each = options.get(); each->keyword; ++each)
    if (each->val) given_[each->keyword] = each->val;
  // Left over from a password with "@" or "/" in it.
  if (given_["host"].find('@') != std::string::npos ||
      given_["dbname"].find('@') != std::string::npos || !isPort(given_["port"]))
    refuse("its parts are not where they have to be");
  std::erase_if(given_, [](const auto& each) { return each.second.empty(); });
  auto all = given_;
  all.insert(usual().begin(), usual().end());
  all["client_encoding"] = "UTF8";
  for (const auto& [name, value] : all) connection_ += name + "=" + quoted(value) + " ";
}

std::string PostgresqlUrl::redacted(std::string text) const {
  for (const auto* name : {"password", "sslpassword"})
    if (const auto it = given_.find(name); it != given_.end())
      text = spelled(std::move(text), it->second, "***");
  return text;
}

}  // namespace pombo
