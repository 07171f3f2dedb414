// What differs between the databases that can hold the store.
#pragma once

#include <memory>
#include <string>

#include "storage/session.hpp"

namespace pombo {

struct DatabaseOptions {
  std::string url;                   // "sqlite:PATH" or "postgresql://..."
  std::string synchronous = "full";  // or "normal": faster, and a power cut may undo a 201
  int writers = 0;                   // connections that commit; 0: as many as the database takes
};

// Which commit of which writer: of one that got no answer it can be asked whether it was made.
struct CommitMark {
  std::string writer;  // letters and digits
  std::int64_t serial = 0;
};

// Thread-safe. Throws StorageError.
class Backend {
 public:
  virtual ~Backend() = default;

  // Opened, and refusing to write.
  virtual std::unique_ptr<Session> openReader() const = 0;
  virtual std::unique_ptr<Session> openWriter() const = 0;
  virtual int writers() const = 0;
  virtual int readers() const = 0;  // the most at once

  virtual void begin(Session&) const = 0;
  // On the disk when it returns.
  virtual void commit(Session&, const CommitMark&) const = 0;
  // Over a fresh connection: whether a commit whose connection was lost was made all the same.
  virtual bool committed(Session&, const CommitMark&) const = 0;

  // Whether several jobs of one kind are faster in one statement; see Share.
  virtual bool shares() const = 0;
  // Whether other servers may be using the same database right now.
  virtual bool isShared() const = 0;
  // Of an SQLite database; empty otherwise.
  virtual std::string file() const = 0;
};

// Throws StorageError for a URL that is none.
std::unique_ptr<Backend> backendOf(const DatabaseOptions&);

}  // namespace pombo
