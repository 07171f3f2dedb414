// The router, its sockets and the HTTP client in memory.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pombo/http.hpp"

namespace pombo {

// A client that keeps what it was told. When the test closes it, the client has left.
class FakeSocket final : public ISocket {
 public:
  std::vector<std::string> received;
  int closedWith = 0;  // 0: still open
  std::string closeReason;

  void send(const std::shared_ptr<const std::string>& text) override {
    if (!closedWith) received.push_back(*text);
  }
  void close(int code, const std::string& reason) override {
    if (closedWith) return;
    closedWith = code;
    closeReason = reason;
    if (const auto tell = std::exchange(onClosed_, nullptr)) tell();
  }
  void onClosed(std::function<void()> callback) override {
    if (closedWith) return callback();
    onClosed_ = std::move(callback);
  }

 private:
  std::function<void()> onClosed_;
};

// As it reaches the handler of a route with ":instance".
inline HttpRequest requestFor(const Instance& instance) {
  HttpRequest request;
  request.params["instance"] = instance.name;
  request.account = instance.account;
  request.instance = instance;
  return request;
}

class FakeRoutes : public IRoutes {
 public:
  std::vector<Route> declared;  // those of sockets among them
  std::map<std::string, ErrorWriter> dialects;
  std::map<std::string, HttpReply> answered;  // by request id: what came later

  // Runs the handler of the route that was added with this very path. Of what core does before,
  // only this: a request without the instance or the account that its route promises is refused.
  HttpReply call(Method method, const std::string& path, HttpRequest request = {}) {
    const auto& [route, handler] = added(handlers_, std::pair(method, path), path);
    admit(route, request);
    awaited_.insert(request.id);
    try {
      HttpReply reply = handler(request);
      if (!reply.later) awaited_.erase(request.id);
      return reply;
    } catch (...) {
      awaited_.erase(request.id);
      throw;
    }
  }

  // The same for a socket; a throw of the handler is the refusal of the upgrade.
  std::shared_ptr<FakeSocket> connect(const std::string& path, HttpRequest request = {}) {
    const auto& [route, handler] = added(sockets_, path, path);
    admit(route, request);
    auto socket = std::make_shared<FakeSocket>();
    handler(request, socket);
    return socket;
  }

 private:
  template <class All, class Key>
  static const typename All::mapped_type& added(const All& all, const Key& key,
                                                const std::string& path) {
    const auto it = all.find(key);
    if (it == all.end()) throw Error(Code::notFound, "nobody has added " + path);
    return it->second;
  }
  static void admit(const Route& route, HttpRequest& request) {
    if (route.access == Access::open) return;
    if (route.path.find("/:instance") != route.path.npos && !request.instance)
      throw Error(Code::notFound, "Instance not found");
    if (route.access == Access::admin) return;
    if (!request.account && request.instance) request.account = request.instance->account;
    if (!request.account) throw Error(Code::unauthorized, "Invalid token");
  }

  void add(const Route& route, RouteHandler handler) override {
    if (!handlers_.try_emplace({route.method, route.path}, route, std::move(handler)).second)
      throw Error(Code::conflict, route.path + " is taken");
    declared.push_back(route);
  }
  void addSocket(const Route& route, SocketHandler handler) override {
    if (!sockets_.try_emplace(route.path, route, std::move(handler)).second)
      throw Error(Code::conflict, route.path + " is taken");
    declared.push_back(route);
  }
  void addDialect(const std::string& name, ErrorWriter writer) override {
    if (!dialects.try_emplace(name, std::move(writer)).second)
      throw Error(Code::conflict, "dialect " + name + " is taken");
  }
  void answer(const std::string& requestId, const HttpReply& reply) override {
    if (awaited_.erase(requestId)) answered[requestId] = reply;
  }

  std::map<std::pair<Method, std::string>, std::pair<Route, RouteHandler>> handlers_;
  std::map<std::string, std::pair<Route, SocketHandler>> sockets_;
  std::set<std::string> awaited_;
};

class FakeHttpClient : public IHttpClient {
 public:
  std::vector<OutgoingRequest> requests;       // all that were sent
  std::deque<IncomingReply> replies;           // served first to last; then nobody answers
  std::map<std::string, std::string> refused;  // URLs and proxies that may not be dialled, and why

 private:
  IncomingReply send(const OutgoingRequest& request) override {
    requests.push_back(request);
    if (const auto it = refused.find(request.url); it != refused.end())
      throw Error(Code::unavailable, "URL is not allowed: " + it->second);
    if (replies.empty()) throw Error(Code::unavailable, "Nobody answered");
    const IncomingReply reply = std::move(replies.front());
    replies.pop_front();
    return reply;
  }
  void requireAllowed(const std::string& url) override {
    if (const auto it = refused.find(url); it != refused.end())
      throw Error(Code::invalid, "URL is not allowed: " + it->second);
  }
  void requireAllowedProxy(const std::string& host) override { requireAllowed(host); }
};

}  // namespace pombo
