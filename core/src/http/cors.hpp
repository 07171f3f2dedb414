// Which pages of other origins may call, and what their browsers are told.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "http/call.hpp"

namespace pombo {

// Thread-safe once it knows its own origin.
class Cors {
 public:
  // `origins` are the server's, for every account and for the admin; `sockets` those of pages that
  // may open WebSockets, which ask no preflight; "*" is all. Throws std::runtime_error for one that
  // is none.
  Cors(const std::vector<std::string>& origins, const std::vector<std::string>& sockets,
       const Accounts& accounts);
  // Pages of the server itself may always call. Before the edge starts.
  void own(const std::string& baseUrl);

  static bool isPreflight(const RequestHead&);
  // As soon as the head is here: what needs no look at the database. `route` is the one that a
  // preflight asks about, too; null: there is none.
  void begin(Call&, const RequestHead&, const ServedRoute* route) const;
  // Once the token is known, or known to be wrong. Throws Error{forbidden} for a page whose origin
  // the caller does not allow. Of an open route there is no caller: it refuses no page, and its
  // answer is for the pages that a preflight would let in.
  void check(Call&) const;
  // The same of a WebSocket, whose page no account can allow. A client that is no page may.
  void checkSocket(const Call&) const;
  Answer preflight(Call&) const;
  // What is known of the origin by now. A block has no say in it.
  static void addTo(const Call&, Answer&);
  // The same of what begin() has found, while the checks may still be at work.
  static Headers early(const Call&);

 private:
  const Accounts& accounts_;
  std::set<std::string> origins_, socketOrigins_;
};

}  // namespace pombo
