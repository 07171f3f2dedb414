#include "storage/postgresql_session.hpp"

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <charconv>
#include <cstdlib>
#include <memory>
#include <unordered_map>

#include "observe/waiting.hpp"
#include "pombo/error.hpp"

namespace pombo {
namespace {

using Kind = StorageError::Kind;

constexpr std::size_t kMostStatements = 256;

// libpq would take a NUL for the end of the text, and say nothing; other bytes would cost the
// transaction.
void requireText(const std::string& text) {
  if (!isText(text))
    throw Error(Code::invalid, "A text in the database must be UTF-8 without NUL characters");
}

std::string inPostgresql(const std::string& sql) {
  if (sql.find('{') == sql.npos) return sql;
  // Not COLLATE "C": inside a name that a block has quoted, its quotes would end the name.
  std::string text = spelled(sql, "{bytewise}", "USING ~<~");
  return spelled(spelled(std::move(text), "{clustered}", ""), "{locked}", "FOR UPDATE");
}

Kind kindOf(const std::string& state, bool connected) {
  if (!connected || state.starts_with("08") || state.starts_with("57P")) return Kind::lost;
  if (state == "40001" || state == "40P01") return Kind::conflict;
  return state == "23505" ? Kind::taken : Kind::other;
}

// What PostgreSQL says of a value that it refuses repeats the value; so do the details of others.
StorageError errorOf(PGconn* connection, const PGresult* result) {
  const auto field = [&](int which) {
    const char* const text = PQresultErrorField(result, which);
    return std::string(text ? text : "");
  };
  const std::string state = field(PG_DIAG_SQLSTATE);
  std::string text = field(PG_DIAG_MESSAGE_PRIMARY);
  if (state.starts_with("22")) text = "a value does not fit";
  if (text.empty()) text = "the connection is gone";
  if (!state.empty()) text += " (" + state + ")";
  return StorageError(text, kindOf(state, PQstatus(connection) == CONNECTION_OK));
}

using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

std::string textOf(const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::get<double>(value)).ptr;
  return {digits, end};
}

SqlValue wholeOrReal(const char* text) {
  std::int64_t whole = 0;
  const char* const end = text + std::char_traits<char>::length(text);
  const auto [at, error] = std::from_chars(text, end, whole);
  if (error == std::errc() && at == end) return whole;
  return std::strtod(text, nullptr);
}

char kindOf(Oid type) {
  switch (type) {  // of pg_type.h, which clients do not get
    case 16:       // bool
      return 'b';
    case 20:  // int8, int2, int4, oid
    case 21:
    case 23:
    case 26:
      return 'n';
    case 700:  // float4, float8
    case 701:
      return 'r';
    case 1700:  // numeric: what SUM makes of whole numbers
      return 'd';
    default:
      return 't';
  }
}

SqlValue cellOf(const PGresult* result, int row, int column, char kind) {
  if (PQgetisnull(result, row, column)) return {};
  const char* const text = PQgetvalue(result, row, column);
  switch (kind) {
    case 'n':
      return static_cast<std::int64_t>(std::strtoll(text, nullptr, 10));
    case 'r':
      return std::strtod(text, nullptr);
    case 'd':
      return wholeOrReal(text);
    case 'b':
      return std::int64_t{*text == 't'};
    default:
      return std::string(text, static_cast<std::size_t>(PQgetlength(result, row, column)));
  }
}

}  // namespace

class PostgresqlSession::Connection {
 public:
  explicit Connection(const std::string& parameters) : session(soci::postgresql, parameters) {}
  PGconn* handle() { return backend().conn_; }

  soci::session session;
  std::unordered_map<std::string, std::unique_ptr<Prepared>> statements;  // by text
  Result result{nullptr, PQclear};                                        // the last one

 private:
  // SOCI's library keeps the type information of its class to itself, so the sanitizer cannot look.
  [[gnu::no_sanitize("vptr")]] soci::postgresql_session_backend& backend() {
    return *static_cast<soci::postgresql_session_backend*>(session.get_backend());
  }
};

// Prepared by SOCI and run by libpq: SOCI's buffers of values are lost whenever a statement fails.
class PostgresqlSession::Prepared {
 public:
  Prepared(soci::session& session, const std::string& sql) : statement_(session) {
    requireText(sql);
    statement_.alloc();
    statement_.prepare(inPostgresql(sql));
  }

  Result run(PGconn* connection, const Values& values) {
    if (backend().names_.size() != values.size())
      throw StorageError("a statement takes " + std::to_string(backend().names_.size()) +
                         " values, not " + std::to_string(values.size()));
    std::vector<std::string> texts;
    for (const auto& value : values)
      texts.push_back(std::holds_alternative<std::monostate>(value) ? "" : textOf(value));
    std::vector<const char*> pointers;
    for (std::size_t i = 0; i < values.size(); ++i)
      pointers.push_back(std::holds_alternative<std::monostate>(values[i]) ? nullptr
                                                                           : texts[i].c_str());
    return {PQexecPrepared(connection, backend().statementName_.c_str(),
                           static_cast<int>(values.size()), pointers.data(), nullptr, nullptr, 0),
            PQclear};
  }

 private:
  [[gnu::no_sanitize("vptr")]] soci::postgresql_statement_backend& backend() {
    return *static_cast<soci::postgresql_statement_backend*>(statement_.get_backend());
  }

  soci::statement statement_;
};

PostgresqlSession::PostgresqlSession(const PostgresqlUrl& url) try
    : connection_(std::make_unique<Connection>(url.connection())) {
  PQsetNoticeProcessor(
      connection_->handle(), [](void*, const char*) {}, nullptr);
  once(
      "SET default_transaction_isolation = 'read committed'; SET lock_timeout = '10s'; "
      "SET idle_in_transaction_session_timeout = '15s'; SET standard_conforming_strings = on");
} catch (const soci::soci_error& error) {
  throw StorageError(url.redacted(error.get_error_message()), Kind::lost);
}

PostgresqlSession::~PostgresqlSession() = default;

PostgresqlSession::Prepared& PostgresqlSession::prepared(const std::string& sql) try {
  // Core's are a few dozen; a block that writes values into its SQL has one for each.
  if (connection_->statements.size() > kMostStatements) connection_->statements.clear();
  auto& known = connection_->statements[sql];
  if (!known) known = std::make_unique<Prepared>(connection_->session, sql);
  return *known;
} catch (const soci::postgresql_soci_error& error) {
  markDirty();  // the transaction cannot go on, whatever it was
  const std::string text = error.get_error_message();
  const bool connected = PQstatus(connection_->handle()) == CONNECTION_OK;
  throw StorageError(text.substr(0, text.find('\n')) + " (" + error.sqlstate() + ")",
                     kindOf(error.sqlstate(), connected));
} catch (const soci::soci_error& error) {
  markDirty();
  throw StorageError(error.get_error_message());
}

void PostgresqlSession::execute(const std::string& sql, const Values& values) {
  for (const auto& value : values)
    if (const auto* text = std::get_if<std::string>(&value)) requireText(*text);
  aboutToWait();  // for another process
  keep(prepared(sql).run(connection_->handle(), values).release());
}

void PostgresqlSession::keep(PGresult* answer) {
  connection_->result.reset(answer);
  const auto status = PQresultStatus(answer);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return;
  markDirty();  // the transaction cannot go on, whatever it was
  throw errorOf(connection_->handle(), answer);
}

std::int64_t PostgresqlSession::run(const std::string& sql, const Values& values) {
  execute(sql, values);
  const auto affected = std::strtoll(PQcmdTuples(connection_->result.get()), nullptr, 10);
  if (affected > 0) markDirty();
  return affected;
}

std::vector<Row> PostgresqlSession::rows(const std::string& sql, const std::string& columns,
                                         const Values& values) {
  execute(sql, values);
  const PGresult* const result = connection_->result.get();
  if (PQnfields(result) != static_cast<int>(columns.size()))
    throw StorageError("a statement answers with another number of columns");
  std::vector<Row> found;
  for (int row = 0; row < PQntuples(result); ++row) {
    std::vector<SqlValue> cells;
    cells.reserve(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i)
      cells.push_back(cellOf(result, row, static_cast<int>(i), columns[i]));
    found.emplace_back(std::move(cells));
  }
  return found;
}

std::vector<SqlRow> PostgresqlSession::query(const std::string& sql, const Values& values) {
  execute(sql, values);
  const PGresult* const result = connection_->result.get();
  std::vector<std::pair<std::string, char>> columns;
  for (int i = 0; i < PQnfields(result); ++i) {
    std::string name = PQfname(result, i);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    columns.emplace_back(std::move(name), kindOf(PQftype(result, i)));
  }
  std::vector<SqlRow> answer(static_cast<std::size_t>(PQntuples(result)));
  for (std::size_t row = 0; row < answer.size(); ++row)
    for (std::size_t i = 0; i < columns.size(); ++i)
      answer[row][columns[i].first] =
          cellOf(result, static_cast<int>(row), static_cast<int>(i), columns[i].second);
  return answer;
}

void PostgresqlSession::once(const std::string& sql) {
  requireText(sql);
  aboutToWait();
  keep(PQexec(connection_->handle(), inPostgresql(sql).c_str()));
  markDirty();
}

void PostgresqlSession::alone() {
  rows("SELECT pg_advisory_xact_lock(" + writingLock() + ")", "t");
}

void PostgresqlSession::requireSound() const {
  if (PQtransactionStatus(connection_->handle()) == PQTRANS_INERROR)
    throw StorageError("a statement of the transaction has failed");
}

}  // namespace pombo
