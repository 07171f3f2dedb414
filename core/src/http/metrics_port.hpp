// A listener of its own for /metrics, so that it need not be on the public one.
#pragma once

#include "http/exchange.hpp"
#include "http/reply.hpp"
#include "observe/metrics.hpp"

namespace pombo {

class MetricsPort final : public IService {
 public:
  explicit MetricsPort(Metrics& metrics) : metrics_(metrics) {}

  Expectation expect(const RequestHead&) override { return {}; }
  void admit(const RequestHead&, const std::shared_ptr<void>&,
             std::function<void(std::optional<Answer>)> then) override {
    then(std::nullopt);
  }
  void serve(std::shared_ptr<const RequestHead> head, std::string, const std::shared_ptr<void>&,
             std::function<void(Answer)> then) override {
    if (head->target != "/metrics") return then(refusalOf(Code::notFound, "Not found"));
    then({.headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = metrics_.text()});
  }
  Answer malformed() override { return closing(refusalOf(Code::invalid, "Malformed request")); }
  Answer versionUnknown() override { return malformed(); }
  Answer headTooLarge() override { return malformed(); }
  Answer bodyTooLarge() override { return malformed(); }
  Answer tooSlow() override { return malformed(); }
  Answer busy() override { return closing(refusalOf(Code::unavailable, "Server is busy")); }

 private:
  Metrics& metrics_;
};

}  // namespace pombo
