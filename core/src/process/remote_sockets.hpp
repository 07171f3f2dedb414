// The WebSocket clients of a block that lives in another process.
#pragma once

#include "process/supervisor.hpp"

namespace pombo {

class RemoteSockets {
 public:
  explicit RemoteSockets(Supervisor& supervisor) : supervisor_(supervisor) {}

  // Throws what the block's handler throws: then the upgrade is refused.
  void open(const std::string& path, const HttpRequest&, std::shared_ptr<ISocket>);
  Handlers posts();  // what the block may do with them
  void closeAll();   // it died

 private:
  std::shared_ptr<ISocket> find(std::uint64_t id);
  void forget(std::uint64_t id);
  void closed(std::uint64_t id, const std::weak_ptr<Child>& born);

  Supervisor& supervisor_;
  std::mutex mutex_;  // guards all below
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::shared_ptr<ISocket>> sockets_;
};

}  // namespace pombo
