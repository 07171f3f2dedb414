#include "storage/sqlite_session.hpp"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <deque>
#include <unordered_map>

namespace pombo {
namespace {

// Where SOCI reads and writes one value; its address must not change while the statement lives.
struct Cell {
  char kind = 't';
  std::string text;
  long long number = 0;
  double real = 0;
  soci::indicator state = soci::i_null;

  void set(const SqlValue& value) {
    state = soci::i_ok;
    if (const auto* n = std::get_if<std::int64_t>(&value))
      number = *n;
    else if (const auto* r = std::get_if<double>(&value))
      real = *r;
    else if (const auto* t = std::get_if<std::string>(&value))
      text = *t;
    else
      state = soci::i_null;
  }
  SqlValue get() const {
    if (state != soci::i_ok) return {};
    if (kind == 'n') return static_cast<std::int64_t>(number);
    if (kind == 'r') return real;
    return text;
  }
};

constexpr std::size_t kMostStatements = 256;

char kindOf(const SqlValue& value) {
  if (std::holds_alternative<std::int64_t>(value)) return 'n';
  return std::holds_alternative<double>(value) ? 'r' : 't';
}

// A session is for one thread at a time, so SQLite need not lock it; and nobody asks how much
// memory it has, which it would count under one lock for all. Before its first use, or it has no
// effect.
void prepareLibrary() {
  static const bool done = [] {
    ::sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    ::sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return true;
  }();
  static_cast<void>(done);
}

// SOCI's library keeps the type information of its class to itself, so the sanitizer cannot look.
[[gnu::no_sanitize("vptr")]] sqlite_api::sqlite3_stmt* handleOf(soci::statement& statement) {
  return static_cast<soci::sqlite3_statement_backend*>(statement.get_backend())->stmt_;
}

// SQLite takes a value that is not given for NULL, and says nothing.
void requireAll(soci::statement& statement, std::size_t values) {
  const int wanted = sqlite_api::sqlite3_bind_parameter_count(handleOf(statement));
  if (static_cast<std::size_t>(wanted) != values)
    throw StorageError("a statement takes " + std::to_string(wanted) + " values, not " +
                       std::to_string(values));
}

char kindOf(soci::data_type type) {
  switch (type) {
    case soci::dt_double:
      return 'r';
    case soci::dt_string:
    case soci::dt_date:
    case soci::dt_xml:
    case soci::dt_blob:
      return 't';
    default:
      return 'n';
  }
}

// Of what has no declared type, such as COUNT(*): SOCI takes it for a text. A blank while it is
// null.
char kindInRow(soci::statement& statement, int column) {
  switch (sqlite_api::sqlite3_column_type(handleOf(statement), column)) {
    case SQLITE_INTEGER:
      return 'n';
    case SQLITE_FLOAT:
      return 'r';
    case SQLITE_NULL:
      return ' ';
    default:
      return 't';
  }
}

// How each column of an answer is read; the statement stands at its first row.
std::string kindsIn(soci::statement& statement, const soci::row& shape) {
  std::string kinds(shape.size(), ' ');
  do {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (kinds[i] != ' ') continue;
      const int column = static_cast<int>(i);
      const bool declared = sqlite_api::sqlite3_column_decltype(handleOf(statement), column);
      kinds[i] =
          declared ? kindOf(shape.get_properties(i).get_data_type()) : kindInRow(statement, column);
    }
  } while (kinds.find(' ') != kinds.npos && statement.fetch());
  for (char& kind : kinds)
    if (kind == ' ') kind = 't';
  return kinds;
}

std::string inSqlite(const std::string& sql) {
  if (sql.find('{') == sql.npos) return sql;
  std::string text = spelled(sql, "{bytewise}", "");  // as it orders texts anyway
  return spelled(spelled(std::move(text), "{clustered}", "WITHOUT ROWID"), "{locked}", "");
}

StorageError::Kind kindOfFailure(const std::string& failure) {
  if (failure.find("UNIQUE constraint failed") != failure.npos) return StorageError::Kind::taken;
  if (failure.find("database is locked") != failure.npos) return StorageError::Kind::busy;
  return StorageError::Kind::other;
}

template <class Function>
auto rethrown(const Function& function) try {
  return function();
} catch (const soci::soci_error& error) {
  const std::string text = error.get_error_message();  // what() lists the values, secrets too
  throw StorageError(text, kindOfFailure(text));
}

}  // namespace

class SqliteSession::Connection {
 public:
  explicit Connection(const std::string& text) : session((prepareLibrary(), soci::sqlite3), text) {}

  soci::session session;
  // By text, then by the kinds of the values: a null fits every kind.
  std::unordered_map<std::string, std::vector<std::unique_ptr<Prepared>>> statements;
};

class SqliteSession::Prepared {
 public:
  Prepared(soci::session& session, const std::string& sql, const std::string& in,
           const std::string& out)
      : statement_(session), columns_(out), in_(in.size()), out_(out.size()) {
    for (std::size_t i = 0; i < in.size(); ++i) bindIn(in_[i], in[i]);
    for (std::size_t i = 0; i < out.size(); ++i) bindOut(out_[i], out[i]);
    statement_.alloc();
    statement_.prepare(inSqlite(sql));
    requireAll(statement_, in.size());
    statement_.define_and_bind();
  }

  bool fits(const Values& values, const std::string& columns) const {
    if (values.size() != in_.size() || columns != columns_) return false;
    for (std::size_t i = 0; i < in_.size(); ++i)
      if (!std::holds_alternative<std::monostate>(values[i]) && kindOf(values[i]) != in_[i].kind)
        return false;
    return true;
  }

  std::int64_t run(const Values& values) {
    assign(values);
    statement_.execute(true);
    return statement_.get_affected_rows();
  }

  std::vector<Row> rows(const Values& values) {
    assign(values);
    std::vector<Row> found;
    for (bool more = statement_.execute(true); more; more = statement_.fetch()) {
      std::vector<SqlValue> cells;
      cells.reserve(out_.size());
      for (const auto& cell : out_) cells.push_back(cell.get());
      found.emplace_back(std::move(cells));
    }
    return found;
  }

 private:
  void bindIn(Cell& cell, char kind) {
    cell.kind = kind;
    if (kind == 'n')
      statement_.exchange(soci::use(cell.number, cell.state));
    else if (kind == 'r')
      statement_.exchange(soci::use(cell.real, cell.state));
    else
      statement_.exchange(soci::use(cell.text, cell.state));
  }
  void bindOut(Cell& cell, char kind) {
    cell.kind = kind;
    if (kind == 'n')
      statement_.exchange(soci::into(cell.number, cell.state));
    else if (kind == 'r')
      statement_.exchange(soci::into(cell.real, cell.state));
    else
      statement_.exchange(soci::into(cell.text, cell.state));
  }
  void assign(const Values& values) {
    for (std::size_t i = 0; i < in_.size(); ++i) in_[i].set(values[i]);
  }

  soci::statement statement_;
  const std::string columns_;
  std::deque<Cell> in_, out_;
};

SqliteSession::SqliteSession(const std::string& path)
    : connection_(rethrown(
          [&] { return std::make_unique<Connection>("dbname=\"" + path + "\" timeout=10"); })) {}

SqliteSession::~SqliteSession() = default;

SqliteSession::Prepared& SqliteSession::prepared(const std::string& sql, const std::string& columns,
                                                 const Values& values) {
  // Core's are a few dozen; a block that writes values into its SQL has one for each.
  if (connection_->statements.size() > kMostStatements) connection_->statements.clear();
  auto& known = connection_->statements[sql];
  for (auto& each : known)
    if (each->fits(values, columns)) return *each;
  std::string kinds;
  for (const auto& value : values) kinds.push_back(kindOf(value));
  known.push_back(std::make_unique<Prepared>(connection_->session, sql, kinds, columns));
  return *known.back();
}

std::int64_t SqliteSession::run(const std::string& sql, const Values& values) {
  return rethrown([&] {
    const auto affected = prepared(sql, "", values).run(values);
    if (affected > 0) markDirty();
    return affected;
  });
}

std::vector<Row> SqliteSession::rows(const std::string& sql, const std::string& columns,
                                     const Values& values) {
  return rethrown([&] { return prepared(sql, columns, values).rows(values); });
}

std::vector<SqlRow> SqliteSession::query(const std::string& sql, const Values& values) {
  return rethrown([&] {
    // Asked of the first row, then read by our own cells: SOCI reads whole numbers of a described
    // row as 32 bits.
    std::deque<Cell> in(values.size());
    soci::row shape;
    soci::statement statement(connection_->session);
    for (std::size_t i = 0; i < values.size(); ++i) {
      in[i].set(values[i]);
      const char kind = kindOf(values[i]);
      if (kind == 'n')
        statement.exchange(soci::use(in[i].number, in[i].state));
      else if (kind == 'r')
        statement.exchange(soci::use(in[i].real, in[i].state));
      else
        statement.exchange(soci::use(in[i].text, in[i].state));
    }
    statement.exchange(soci::into(shape));
    statement.alloc();
    statement.prepare(inSqlite(sql));
    requireAll(statement, values.size());
    statement.define_and_bind();
    if (!statement.execute(true)) return std::vector<SqlRow>();

    const std::string columns = kindsIn(statement, shape);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::string name = shape.get_properties(i).get_name();
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      names.push_back(std::move(name));
    }
    std::vector<SqlRow> answer;
    for (const auto& row : rows(sql, columns, values)) {
      SqlRow& named = answer.emplace_back();
      for (std::size_t i = 0; i < names.size(); ++i) named[names[i]] = row.cells()[i];
    }
    return answer;
  });
}

void SqliteSession::once(const std::string& sql) {
  rethrown([&] { connection_->session << inSqlite(sql); });
  markDirty();
}

}  // namespace pombo
