// Events, as part of the gateway: what they may ask of the others.
#pragma once

#include "config.hpp"
#include "event/events.hpp"
#include "instance/link_state.hpp"
#include "instance/provisioner.hpp"
#include "media/received_media.hpp"

namespace pombo {

MessageShape messageShapeOf(const Config&);
EventsOptions eventsOptionsOf(const Config&, const std::string& userAgent);

// Looks at nothing before the blocks have started.
class GatewaySurroundings final : public Surroundings {
 public:
  GatewaySurroundings(const Registry& registry, const InstanceStore& instances,
                      const BlockStore& blocks, const LinkStates& states, ReceivedMedia& media,
                      bool history, std::function<std::string()> urlOfServer,
                      std::function<void(const std::vector<Event>&)> accepted)
      : registry_(registry),
        instances_(instances),
        blocks_(blocks),
        states_(states),
        media_(media),
        history_(history),
        urlOfServer_(std::move(urlOfServer)),
        accepted_(std::move(accepted)) {}

  Failure call(const std::string& block, const std::string& what, std::chrono::milliseconds budget,
               std::function<void()> run) override {
    return registry_.call(block, what, budget, std::move(run));
  }
  std::vector<std::pair<std::string, IEnricher*>> enrichers() const override {
    return registry_.enrichers();
  }
  std::string newId() const override;
  std::string baseUrl() const override { return urlOfServer_(); }
  bool knows(const std::vector<InstanceId>& ids) const override {
    return instances_.find(ids).size() == ids.size();
  }
  Addressee addressee(const InstanceId&, bool withToken) const override;
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    return registry_.proxyFor(id);
  }
  void keepMedia(const Event& event,
                 std::chrono::steady_clock::time_point deadline) const override {
    media_.keep(event, deadline);
  }
  std::optional<std::string> mediaLink(const Event& event) const override {
    return media_.linkTo(event);
  }
  Media mediaOf(const Event& event) const override { return media_.of(event); }
  void complete(std::vector<Event>& events) const override { states_.complete(events); }
  void accepted(const std::vector<Event>& events) override { accepted_(events); }
  bool isUnwanted(const Event&) const override;
  bool isInner(const Event&) const override;

 private:
  StoredInstance instance(const InstanceId&) const;

  const Registry& registry_;
  const InstanceStore& instances_;
  const BlockStore& blocks_;
  const LinkStates& states_;
  ReceivedMedia& media_;
  const bool history_;  // clients are told of messages of a history sync
  const std::function<std::string()> urlOfServer_;
  const std::function<void(const std::vector<Event>&)> accepted_;
};

}  // namespace pombo
