#include <optional>

#include "desk_routes.hpp"
#include "pombo/block.hpp"

namespace {

using namespace pombo;

// What clients ask of an instance's WhatsApp: checked here, done by its connector. Keeps what was
// sent and received, so that it can be answered, looked up and counted.
class MessagesBlock final : public IBlockConfigurator, private IEventSink {
 public:
  std::vector<Field> options() const override {
    return {{.name = "keepDays",
             .type = Type::integer,
             .fallback = 30,
             .doc = "Days that messages are kept.",
             .min = 1,
             .max = 3650},
            {.name = "keepMediaDays",
             .type = Type::integer,
             .fallback = 7,
             .doc = "Days that their media can be fetched again.",
             .min = 1,
             .max = 3650},
            {.name = "maxBodyMib",
             .type = Type::integer,
             .fallback = 64,
             .doc = "The longest body of a request with media; a file has three quarters of it.",
             .min = 4,
             .max = 64}};
  }

  void start(IHost& host) override {
    host_ = &host;
    const auto option = [&](const char* name) {
      return Fields(host.config()).require<std::int64_t>(name);
    };
    const auto bodyLimit = static_cast<std::uint64_t>(option("maxBodyMib")) << 20;
    store_.emplace(host.sql(), host.clock(),
                   MessageStore::Keeping{std::chrono::days(option("keepDays")),
                                         std::chrono::days(option("keepMediaDays"))});
    delays_.emplace(Delays::Limits());
    desk_.emplace(host, *store_, *delays_, bodyLimit / 4 * 3);
    host.routes().addDialect(kDialect, wordsOfRefusal);
    for (const auto& some : {messageRoutes(bodyLimit), storedRoutes(), chatRoutes(), groupRoutes(),
                             groupMemberRoutes(), communityRoutes(), newsletterRoutes(),
                             profileRoutes(), callRoutes()})
      for (const auto& each : some)
        host.routes().add(each.route, [this, serve = each.serve](const HttpRequest& request) {
          return serve(*desk_, request);
        });
    host.events().subscribe(static_cast<IEventSink&>(*this),
                            {.retries = {std::chrono::seconds(1), std::chrono::seconds(10),
                                         std::chrono::minutes(1), std::chrono::minutes(10)},
                             .inFlight = 1});
  }

  // There is nothing to say of it: an instance is not told what it may be asked.
  Json summary(const Instance&) override { return nullptr; }
  void forget(const Instance& instance) override { store_->forget(instance.id); }

  // A message that waits is not sent any more.
  void stop() noexcept override {
    if (delays_) delays_->stop();
  }

 private:
  std::vector<std::string> route(const Event& event) override {
    if (event.type == "message.exchange" || event.type == "message.status") return {"store"};
    return {};
  }

  Verdict deliver(const Event& event, const std::string&) override {
    store_->take(event);
    // It may have been deleted meanwhile, and what is kept of it before.
    if (!host_->instances().find(event.instance)) store_->forget(event.instance);
    sweep();
    return {};
  }

  // What has been taken has been taken: an event is not tried again for what comes after it.
  void sweep() try {
    if (!store_->sweep()) return;
    for (const auto& owner : store_->owners())
      if (!host_->instances().find(owner)) store_->forget(owner);
  } catch (const std::exception& error) {
    host_->log().write(Level::warn, "Old messages were not deleted", {{"reason", error.what()}});
  }

  IHost* host_ = nullptr;
  std::optional<MessageStore> store_;
  std::optional<Delays> delays_;
  std::optional<Desk> desk_;
};

}  // namespace

POMBO_BLOCK(MessagesBlock, "messages", "0.1.0")
