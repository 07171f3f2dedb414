// What a medium is called, and the links that open it until their time is up.
#pragma once

#include <chrono>
#include <string>

#include "pombo/instance.hpp"
#include "pombo/observe.hpp"
#include "storage/sealer.hpp"

namespace pombo {

// 32 hexadecimal digits that nobody can guess, also the name of its file.
using MediaId = std::string;
bool isMediaId(const std::string&);

// Thread-safe. The keys are the server's own and outlive a rotation of the master key: links that
// are with receivers stay good.
class MediaLinks {
 public:
  MediaLinks(const Sealer& sealer, const IClock& clock, std::chrono::seconds lifetime)
      : nameKey_(sealer.keyFor("pombo media name")),
        linkKey_(sealer.keyFor("pombo media link")),
        clock_(clock),
        lifetime_(lifetime) {}

  // The same whenever the same is asked: what is there need not be fetched again.
  MediaId idOf(const InstanceId&, const std::string& mediaKey) const;

  // "/media/<id>?exp=<unix>&sig=<hex>", good for its lifetime from now on, but not beyond `end`, of
  // the file.
  std::string to(const MediaId&, TimePoint end) const;
  // Of three texts as they came. False for whatever to() has not written, or whose time is up.
  bool opens(const std::string& id, const std::string& exp, const std::string& sig) const;

 private:
  std::string signatureOf(const std::string& id, const std::string& exp) const;

  const Secret nameKey_, linkKey_;
  const IClock& clock_;
  const std::chrono::seconds lifetime_;
};

}  // namespace pombo
