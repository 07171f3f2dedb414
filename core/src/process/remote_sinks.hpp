// Sinks of a block that lives in another process.
#pragma once

#include "process/supervisor.hpp"

namespace pombo {

class RemoteHttpSink final : public IHttpSink {
 public:
  explicit RemoteHttpSink(Supervisor& supervisor) : supervisor_(supervisor) {}

  std::vector<std::string> route(const Event& event) override {
    return supervisor_.ask<std::vector<std::string>>("httpSink.route", event);
  }
  OutgoingRequest request(const Event& event, const std::string& to, int attempt) override {
    return supervisor_.ask<OutgoingRequest>("httpSink.request", event, to, attempt);
  }
  Verdict judge(const IncomingReply& reply) override {
    return supervisor_.ask<Verdict>("httpSink.judge", reply);
  }

 private:
  Supervisor& supervisor_;
};

class RemoteEventSink final : public IEventSink {
 public:
  explicit RemoteEventSink(Supervisor& supervisor) : supervisor_(supervisor) {}

  // How long a delivery may take. Before the sink is subscribed.
  void timeout(std::chrono::milliseconds most) { timeout_ = most; }

  std::vector<std::string> route(const Event& event) override {
    return supervisor_.ask<std::vector<std::string>>("eventSink.route", event);
  }
  Verdict deliver(const Event& event, const std::string& to) override {
    return supervisor_.ask<Verdict>(timeout_, "eventSink.deliver", event, to);
  }

 private:
  Supervisor& supervisor_;
  std::chrono::milliseconds timeout_{};
};

}  // namespace pombo
