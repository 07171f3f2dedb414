// A provisioner over two blocks, and what it is told to refuse with.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "temp_gateway.hpp"

namespace pombo {

inline const std::string kTaken =
    TempGateway::refusal(Code::conflict, "Instance or token already exists");
inline const std::string kQuota =
    TempGateway::refusal(Code::forbidden, "Account instance quota exceeded");

inline Json errorShape(const std::string& reason) {
  return {{"enabled", false}, {"status", "error"}, {"error", reason}};
}

// Two blocks: "alpha" keeps its slice, "beta" does what the test says.
class ProvisionerTest : public ::testing::Test {
 protected:
  void dialOut() {
    beta_.onConfigure = [](IHost& host, const Instance& instance, const Fields& slice) {
      host.settings().save(instance.id, slice.document());
      host.http().send({.url = "https://b.example/"});
    };
  }
  static Json body(const std::string& name) {
    return {{"name", name},
            {"alphaEnabled", true},
            {"alphaWord", "x"},
            {"betaEnabled", true},
            {"betaWord", "y"}};
  }

  TempGateway gateway_;
  ScriptedBlock& alpha_ = gateway_.add("alpha");
  ScriptedBlock& beta_ = gateway_.add("beta");
};

}  // namespace pombo
