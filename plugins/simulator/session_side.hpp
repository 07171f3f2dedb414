#pragma once

#include "phone.hpp"
#include "pombo/block.hpp"

// "5511999990000@s.whatsapp.net" of a number as people write it; throws Error{invalid}.
std::string jidOf(const std::string& number);

// What a phone and WhatsApp would know of an instance that is linked.
struct SimulatedSession {
  std::string jid;  // empty: not linked
  std::string lid;
  pombo::Profile profile;
  std::int64_t bannedUntil = 0;  // seconds since 1970
  Phone phone;

  explicit SimulatedSession(const pombo::Json& document);
  pombo::Json document() const;
  pombo::Json profileShown() const;
  bool isLinked() const { return !jid.empty(); }
};
