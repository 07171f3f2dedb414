// What the configuration says, as the parts of the gateway take it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config.hpp"
#include "http/admission.hpp"
#include "http/edge.hpp"
#include "http/router.hpp"
#include "http/sockets.hpp"
#include "instance/linker.hpp"
#include "media/spool.hpp"
#include "storage/store.hpp"

namespace pombo {

// Of a section: they have been checked, each key is there.
std::string textAt(const Json& section, const char* key);  // empty when it is null
std::int64_t numberAt(const Json& section, const char* key);
std::vector<std::string> listAt(const Json& section, const char* key);

StoreOptions storeOptionsOf(const Config&, const Environment&);
// Throws ConfigError for an admin token that is too short.
AdmissionOptions admissionOptionsOf(const Config&);
RouterOptions routerOptionsOf(const Config&);
LinkTimes linkTimesOf(const Config&);
// `database`: the file of SQLite's; empty when there is none.
SpoolOptions spoolOptionsOf(const Config&, const std::string& database);

// Of the public port. Raises the limit of descriptors, and says when it is too low for all the
// connections that are asked for. `isTrusted` addresses may have any number of them.
EdgeOptions publicEdgeOptionsOf(const Config&, Log&,
                                std::function<bool(const std::string&)> isTrusted);
// `connections` are the public port's.
SocketLimits socketLimitsOf(const Config&, std::size_t connections);
EdgeOptions metricsEdgeOptionsOf(const Config&, const std::string& listen, Log&);

}  // namespace pombo
