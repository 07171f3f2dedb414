// Origins of pages, written as browsers send them: "https://app.example.com", "http://[::1]:8080".
#pragma once

#include <optional>
#include <string>

namespace pombo {

// Of an http or https URL: scheme and host in lower case, a name in its ASCII form, the port unless
// it is the scheme's own. Nothing for anything else.
std::optional<std::string> originOfUrl(const std::string& url);

// Of what is an origin already, in another spelling perhaps. Apps have schemes of their own,
// without a port: "capacitor://localhost". Nothing for what has a path, a query or user info, and
// for the "null" of a page that has none.
std::optional<std::string> originOf(const std::string& text);

}  // namespace pombo
