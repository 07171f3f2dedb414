// The audit log: who did what, on what, from where, and what came of it; one JSON object a line.
#pragma once

#include <memory>
#include <string>

#include "observe/logger.hpp"
#include "observe/metrics.hpp"

namespace pombo {

// Thread-safe. What is written here holds no body, no token and no secret: that is its writers'
// duty.
class AuditLog {
 public:
  // `file` is appended to, and is for its owner alone when it is made; empty: standard error, among
  // the log's lines. Throws std::runtime_error when it cannot be opened.
  AuditLog(const std::string& file, Log&, Metrics&);
  ~AuditLog();  // flush()

  // Never waits for a file, and never fails: a line that cannot be written is counted in
  // pombo_audit_lines_lost_total, and the log says once that it is so, and once that it is over.
  // `outcome` is "done", "refused" or "failed".
  void write(const std::string& action, const std::string& outcome, boost::json::object details);
  // Until everything is written, or for five seconds.
  void flush();

 private:
  class File;
  Log& log_;
  Metrics& metrics_;
  std::unique_ptr<File> file_;  // null: standard error
};

}  // namespace pombo
