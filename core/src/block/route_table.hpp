// Every route there is, and who serves it. Filled while blocks start, closed before the server
// listens.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "block/standing.hpp"
#include "pombo/http.hpp"

namespace pombo {

// Why a route that the wire promises is served by nobody. Said before any instance is looked for.
struct Absence {
  std::string block = {};  // whose it would be; empty: core's own
  Code code = Code::unsupported;
  std::string sentence = "Not implemented";
};

// What /openapi.json says of one of core's own routes, beside what a Route can say.
struct RouteNotes {
  Json body = {};                    // JSON Schema, when no table of fields says what it takes
  std::vector<Code> refusals = {};   // beside those that every route may answer with
  std::map<int, Json> answers = {};  // JSON Schema of those that are neither success nor refusal
};

struct ServedRoute {
  Route route;
  std::string block = {};     // empty: core's own
  RouteHandler handler = {};  // empty: a socket's, or nobody's
  SocketHandler socket = {};
  std::shared_ptr<Standing> standing = {};  // the block's; null: core's own
  std::optional<Absence> absence = {};      // nobody serves it
  RouteNotes notes = {};
  std::string audit = {};  // what the audit log calls it: "instance.create"; empty: it is not told
  bool anyOrigin = false;  // without a token, pages of all origins may read it
  bool ignoresBody = false;  // whatever is in it
  bool several = false;      // ":instance" may be a list of names, all of which are checked
};

class RouteTable {
 public:
  // Throws Error{conflict} when the method and path are taken, Error{internal} once closed, and
  // Error{invalid} for a path that is not one.
  void add(ServedRoute);
  void addDialect(const std::string& block, const std::string& name, ErrorWriter);
  // What a block has added that then did not start; nothing more is taken from it, should its
  // start() still be at it.
  void drop(const std::string& block);
  // All routes that this kind of token would open: there is no such token.
  void drop(Access);
  // Whoever serves it: the audit log is told, under that word.
  void audit(Method, const std::string& path, const std::string& word);
  // Whoever serves it: it may be about several instances. What it is about first is the request's.
  void nameSeveral(Method, const std::string& path);
  void close();

  const std::vector<std::unique_ptr<const ServedRoute>>& routes() const { return routes_; }
  bool serves(Method, const std::string& path) const;
  const ErrorWriter* dialect(const std::string& block, const std::string& name) const;

  // Answers to requests whose handler said `later`: the router waits for them here. Thread-safe.
  using Waiter = std::function<void(const HttpReply&)>;
  using Deadline = std::chrono::steady_clock::time_point;
  // One of the two is called, once: `waiter` with the answer, or `late` by expire().
  void await(const std::string& requestId, Deadline, Waiter waiter, std::function<void()> late);
  void answer(const std::string& requestId, const HttpReply&);
  void expire(Deadline now);

 private:
  void requireOpen(const std::string& block) const;
  bool holds(Method, const std::string& path) const;
  void change(Method, const std::string& path, const std::function<void(ServedRoute&)>&);

  mutable std::mutex filling_;  // guards all up to dialects_, until it is closed
  bool closed_ = false;
  std::set<std::string> dropped_;
  std::vector<std::unique_ptr<const ServedRoute>> routes_;  // their addresses are kept elsewhere
  std::map<std::pair<std::string, std::string>, ErrorWriter> dialects_;

  std::mutex mutex_;  // guards the two below
  struct Waiting {
    Deadline deadline;
    Waiter waiter;
    std::function<void()> late;
  };
  std::map<std::string, Waiting> waiting_;
  // Answered before the handler had returned, or after its time was up: kept for a minute.
  std::map<std::string, std::pair<Deadline, HttpReply>> early_;
};

}  // namespace pombo
