// The page that shows an instance's events in a browser.
#pragma once

#include <string>

// As they stand in page/.
extern const char kWatchPage[], kWatchStyle[], kWatchScript[];

// What the page may do: be itself, and call the server that it is of.
constexpr auto kWatchPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

// For a server that clients reach at `baseUrl`: "https://wa.example/pombo".
std::string watchPageOf(const std::string& baseUrl);
