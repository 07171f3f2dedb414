// A block's host, for the block's process: what it may ask for, and what it has registered.
#pragma once

#include <set>

#include "process/life.hpp"
#include "process/remote_sinks.hpp"
#include "process/remote_sockets.hpp"

namespace pombo {

class ServedHost {
 public:
  explicit ServedHost(Supervisor&);

  void open(IHost& host) { host_ = &host; }  // before the block starts for the first time
  void begin();                              // a start: what is registered now is the block's
  std::vector<std::string> end();            // of it: what differs from the first, in words
  void closeSockets() { sockets_.closeAll(); }
  // It is dead. When that returns, nothing more is told in its name.
  void endLife();

  // Of the process that is begun now; the one before is dead.
  Handlers calls();
  Handlers posts();

 private:
  IHost& host() const;
  void add(const Route&, bool isSocket);
  void addDialect(const std::string& name);
  void subscribe(const Delivery&, bool http);
  bool isNew(const std::string& what, const Json& description);
  HttpReply handle(const Route&, const HttpRequest&);
  void answer(const std::string& requestId, const HttpReply&);
  bool isMetric(const std::string& name);

  Supervisor& supervisor_;
  RemoteHttpSink httpSink_;
  RemoteEventSink eventSink_;
  RemoteSockets sockets_;
  std::atomic<IHost*> host_ = nullptr;

  std::mutex mutex_;  // guards all below
  std::shared_ptr<Life> life_ = std::make_shared<Life>();
  bool starting_ = false, restarted_ = false;
  std::map<std::string, Json> first_, now_;  // registered, by what it is
  std::set<std::string> metrics_;
  std::map<std::string, Peer::Deadline> awaited_;  // requests that may yet be answered
};

}  // namespace pombo
