// HTTP as blocks see it: routes and sockets in, requests out. No server or client library shows
// through.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pombo/fields.hpp"
#include "pombo/instance.hpp"
#include "pombo/media.hpp"

namespace pombo {

enum class Method { get, post, put, patch, del };

// Which token opens a route; checked by core, with the rate limit and the instance's existence,
// before the handler runs.
enum class Access {
  open,      // none
  instance,  // the instance's own token, or its account's
  account,   // a TokenAccount
  admin,     // the server's admin token
};

// Which allowance a call is taken from.
enum class Bucket {
  general,    // of the token
  create,     // of the account, for calls that make instances
  anonymous,  // of the address
  resource,   // of the address: pages and files
  own,        // of this very path: Route::perMinute
  none,
};

using Headers = std::map<std::string, std::string>;  // keys in lower case

// Everything core needs to serve a route, and to describe it in /openapi.json.
struct Route {
  Method method = Method::get;
  std::string path = {};  // "/api/events/webhook/:instance"
  Access access = Access::instance;
  std::string summary = {};       // one line
  std::vector<Field> query = {};  // checked before the handler runs
  std::vector<Field> body = {};   // likewise
  Json reply = {};                // JSON Schema of a success
  int status = 200;               // of a success
  std::string failure = {};       // what a 500 says; empty: "Internal server error"
  Bucket bucket = Bucket::general;
  int perMinute = 0;                   // with Bucket::own
  std::uint64_t bodyLimit = 1 << 20;   // bytes; beyond 1 MiB a body is read after authentication
  bool slow = false;                   // asks someone else: served apart, 8 at once per account
  std::chrono::milliseconds budget{};  // zero: the server's own
  std::string tokenHeader = {};        // one more header that may hold the token
  std::string dialect = {};            // how errors are written; empty: the server's envelope
  bool operator==(const Route&) const = default;
};

struct HttpRequest {
  std::string id = {};  // of this request: in the log, in X-Request-Id, and for answering later
  Method method = Method::get;
  std::string path = {};    // as it came, without the query
  std::string remote = {};  // the client's address
  // ":name" in the path, without the colon, decoded.
  std::map<std::string, std::string> params = {};
  Headers headers = {};   // without the token, unless the route is open
  std::string body = {};  // the bytes, for signatures
  Json query = {};        // against Route::query: checked, fallbacks filled in
  Json fields = {};       // the body against Route::body: checked, fallbacks filled in;
                          // as it came when that is empty
  std::vector<std::string> given = {};    // which of the fields were there, for partial updates
  std::optional<AccountId> account = {};  // whose token it was; absent on open and admin routes
  std::optional<Instance> instance = {};  // whenever the path has ":instance", unless it is open;
                                          // and always when the token was an instance's own
  bool operator==(const HttpRequest&) const = default;
};

// What a handler answers: a JSON body, or bytes, or a file, or a promise to answer later.
struct HttpReply {
  int status = 200;
  Json body = {};                         // sent as it stands, unless one of the next two is there
  std::optional<Media> file = {};         // streamed, with its MIME type
  std::optional<std::string> bytes = {};  // sent with the content-type among `headers`
  Headers headers = {};
  std::vector<std::string> warnings = {};  // added to `body`
  bool later = false;  // IRoutes::answer() comes within the route's budget; no thread waits
  bool operator==(const HttpReply&) const = default;
};

// A call that was refused, to be put into words. `sentence` is what the server would say.
struct Refusal {
  Code code = Code::internal;
  int status = 500;
  std::string sentence = {};
  std::string detail = {};    // why a body was invalid, when it was
  std::string instance = {};  // ":instance" of the path, decoded
  std::string path = {};
  Method method = Method::get;
  bool operator==(const Refusal&) const = default;
};

// One WebSocket client. Core owns the wire: heartbeat, closing handshake, and a bounded queue whose
// overflow closes with 1013 "slow consumer". What the client sends is ignored.
class POMBO_API ISocket {
 public:
  virtual ~ISocket() = default;
  // Queues a text frame. Never blocks; after the end it does nothing. [any thread]
  virtual void send(const std::shared_ptr<const std::string>& text) = 0;
  // Once queued frames are out. The second call does nothing. [any thread]
  virtual void close(int code, const std::string& reason) = 0;
  // Called once, whoever closed; at once when it already has. May not hold the socket itself: that
  // would be a cycle. [request]
  virtual void onClosed(std::function<void()> callback) = 0;
};

using RouteHandler = std::function<HttpReply(const HttpRequest&)>;  // [request]

// Runs before the upgrade is answered: a throw refuses it with that Error, frames sent here wait
// for it. Keep the socket for as long as there is something to send. [request]
using SocketHandler = std::function<void(const HttpRequest&, std::shared_ptr<ISocket>)>;

// The body of an error answer. Quick, no I/O. [any thread]
using ErrorWriter = std::function<Json(const Refusal&)>;

class POMBO_API IRoutes {
 public:
  virtual ~IRoutes() = default;
  // A second handler for the same method and path throws Error{conflict}. [start]
  virtual void add(const Route&, RouteHandler) = 0;
  // On the same port as everything else; the route's method is get. Every socket is closed before
  // stop(). [start]
  virtual void addSocket(const Route&, SocketHandler) = 0;
  // For routes that name this dialect. The name is the block's own. [start]
  virtual void addDialect(const std::string& name, ErrorWriter) = 0;
  // The answer to a request whose handler said `later`, or is about to; once. An unknown id is
  // ignored: the budget was up, or the client has left. [any thread]
  virtual void answer(const std::string& requestId, const HttpReply&) = 0;
};

struct OutgoingRequest {
  Method method = Method::post;
  std::string url = {};
  Headers headers = {};
  std::string body = {};
  // Cut to what is left of the request being served, if any.
  std::chrono::milliseconds timeout{10'000};
  std::uint64_t replyLimit = 1 << 20;      // bytes of the answer that are read; the rest is left
  std::optional<InstanceId> through = {};  // dial through this instance's proxy, when it has one
  bool operator==(const OutgoingRequest&) const = default;
};

struct IncomingReply {
  int status = 0;
  Headers headers = {};
  std::string body = {};
  bool operator==(const IncomingReply&) const = default;
};

class POMBO_API IHttpClient {
 public:
  virtual ~IHttpClient() = default;
  // Any answer is a reply, 500 included; Error{unavailable} means there was none. Redirects are not
  // followed. Where it may dial is checked again when it dials. [any thread]
  virtual IncomingReply send(const OutgoingRequest&) = 0;
  // Throws Error{invalid, "URL is not allowed: <reason>"} unless it may be dialled. Resolves a name
  // for at most a second; one that does not resolve is allowed. [request]
  virtual void requireAllowed(const std::string& url) = 0;
  // The same for a proxy, of which private addresses are allowed. [request]
  virtual void requireAllowedProxy(const std::string& host) = 0;
};

}  // namespace pombo
