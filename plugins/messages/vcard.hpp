#pragma once

#include <string>

struct Person {
  std::string fullName;
  std::string phone;
  std::string organization;  // this and the next two: empty when there is none
  std::string email;
  std::string url;
};

// vCard 3.0 (RFC 2426), lines ended by "\n". `digits`: the phone's, by which WhatsApp knows it.
std::string vcardOf(const Person&, const std::string& digits);
