// What passes between the edge, which knows sockets, and the router, which knows meaning.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pombo/http.hpp"

namespace pombo {

// The head of a request: framing checked, nothing decoded.
struct RequestHead {
  std::string id;      // UUIDv7, given by the edge
  std::string method;  // "GET", or whatever the client wrote
  std::string target;  // origin form: path and query as they came
  Headers headers;     // repeated ones joined by ", "
  std::string peer;    // the address at the other end of the socket, without the port
  std::optional<std::uint64_t> contentLength;  // absent: none, or chunked
  bool chunked = false;
  bool upgrade = false;  // "Connection: upgrade" with "Upgrade: websocket"
};

class Upgrade;

// What goes out. The edge adds Content-Length, Connection, Date, Server and X-Request-Id.
struct Answer {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  std::optional<Media> file = {};         // instead of `body`
  bool close = false;                     // end the connection after it; what follows is never read
  std::shared_ptr<Upgrade> upgrade = {};  // of a 101: behind it the connection is this WebSocket's
};

// How the body of one request is to be received, or why not.
struct Expectation {
  std::optional<Answer> refusal = {};  // sent at once, the body unread, the connection closed
  std::uint64_t bodyLimit = 1 << 20;   // bytes; beyond: tooLarge()
  std::chrono::milliseconds timeout{30'000};  // from the first byte of the request to its last
  bool admitFirst = false;                    // ask admit() before reading the body
  Headers headers = {};                       // of whatever refuses the request before serve()
  std::shared_ptr<void> state = {};           // the service's own, handed back to it
};

// Answers requests. Every method is called on an edge thread and must not block.
class IService {
 public:
  virtual ~IService() = default;

  // The head is here, the body is not.
  virtual Expectation expect(const RequestHead&) = 0;
  // Calls `then` once, from any thread: nothing to go on and read the body, an answer to refuse it.
  virtual void admit(const RequestHead&, const std::shared_ptr<void>& state,
                     std::function<void(std::optional<Answer>)> then) = 0;
  // Calls `then` once, from any thread. `body` is wiped by the callee.
  virtual void serve(std::shared_ptr<const RequestHead>, std::string body,
                     const std::shared_ptr<void>& state, std::function<void(Answer)> then) = 0;

  // The sentences of the wire for what goes wrong below it.
  virtual Answer malformed() = 0;       // 400 Malformed request
  virtual Answer versionUnknown() = 0;  // 505
  virtual Answer headTooLarge() = 0;    // 431
  virtual Answer bodyTooLarge() = 0;    // 413
  virtual Answer tooSlow() = 0;         // 408
  virtual Answer busy() = 0;            // 503 Server is busy: no memory for the body
};

}  // namespace pombo
