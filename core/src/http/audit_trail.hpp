// What the audit log is told of requests.
#pragma once

#include "http/call.hpp"
#include "observe/audit_log.hpp"

namespace pombo {

// Tells it of the calls whose route says so, of every token that was refused, and of nothing else:
// who called, on what, from where, and what came of it. No bodies, no tokens and no paths as they
// came, which may hold a secret. What was refused for its rate is left out, and tokens where no
// limit counts them, so that nobody writes more lines than the limits let pass.
class AuditTrail {
 public:
  explicit AuditTrail(AuditLog& log) : log_(log) {}

  // What an audited call has made or changed, from its answer.
  void learn(Call&, const HttpReply&) const;
  void tell(const Call&, int status) const;
  // Of a call that was answered in place of its handler, which may still be at it.
  void tellOverrun(const Call&) const;

 private:
  AuditLog& log_;
};

// "done", "refused" or "failed".
const char* outcomeOf(int status);

}  // namespace pombo
