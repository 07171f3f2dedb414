// The server: every part, built in order, destroyed in reverse. The only file that knows them all.
#pragma once

#include <memory>
#include <string>

#include "config.hpp"

namespace pombo {

const char* version();

class Gateway {
 public:
  // Loads and starts the blocks, binds the port. Throws std::runtime_error for the operator.
  Gateway(const Config&, const Environment&);
  ~Gateway();

  void start();             // serves
  std::string url() const;  // "http://127.0.0.1:8080": of the socket
  // Refuses what is new, finishes what is under way within the configured time, and stops.
  void stop();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pombo
