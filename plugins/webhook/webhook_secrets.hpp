// What is sealed of one webhook: the credential it presents and the keys that sign (Standard
// Webhooks).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

struct WebhookSecrets {
  using TimePoint = std::chrono::system_clock::time_point;
  static constexpr std::chrono::hours kOverlap{24};

  std::optional<std::string> authorization = {};  // sent verbatim
  std::string key = newKey();
  std::string formerKey = {};     // signs as well until then, after a rotation; empty: none
  TimePoint formerKeyUntil = {};  // in milliseconds

  // "whsec_" and 32 random bytes in base64.
  static std::string newKey();
  void rotate(TimePoint now);
  void dropExpired(TimePoint now);
  // Those that sign now, the newest first.
  std::vector<std::string> keys(TimePoint now) const;

  std::string text() const;
  static WebhookSecrets from(const std::string& text);
};
