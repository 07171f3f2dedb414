#include <memory>
#include <optional>

#include "desk_routes.hpp"
#include "overdue_store.hpp"
#include "pombo/block.hpp"
#include "repetition.hpp"
#include "schema_store.hpp"

namespace {

using namespace pombo;

constexpr std::chrono::minutes kSweepPause{1};  // the store itself knows whether an hour is over

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
             .doc = "The longest body of a request with media, or file that is fetched.",
             .min = 4,
             .max = 64}};
  }

  void start(IHost& host) override {
    host_ = &host;
    const auto option = [&](const char* name) {
      return Fields(host.config()).require<std::int64_t>(name);
    };
    const auto bodyLimit = static_cast<std::uint64_t>(option("maxBodyMib")) << 20;
    host.sql().migrate(messagesTables());
    const MessageStore::Keeping keeping{std::chrono::days(option("keepDays")),
                                        std::chrono::days(option("keepMediaDays"))};
    stores_.reset(new Stores{{host.sql(), host.clock(), keeping},
                             PendingStore(host.sql(), host.clock()),
                             LabelStore(host.sql(), host.clock()),
                             ContactStore(host.sql())});
    overdue_.emplace(host, stores_->pending);
    delays_.emplace(Delays::Limits());
    desk_.emplace(host, *stores_, *delays_, bodyLimit);
    host.routes().addDialect(kDialect, wordsOfRefusal);
    for (const auto& some :
         {messageRoutes(bodyLimit), storedRoutes(), historyRoutes(), metricsRoutes(),
          contactRoutes(), labelRoutes(), chatRoutes(), chatMessageRoutes(), forwardRoutes(),
          groupRoutes(), groupMemberRoutes(), communityRoutes(), newsletterRoutes(),
          profileRoutes(), callRoutes()})
      for (const auto& each : some)
        host.routes().add(each.route, [this, serve = each.serve](const HttpRequest& request) {
          return serve(*desk_, request);
        });
    host.events().subscribe(static_cast<IEventSink&>(*this),
                            {.retries = {std::chrono::seconds(1), std::chrono::seconds(10),
                                         std::chrono::minutes(1), std::chrono::minutes(10)},
                             .inFlight = 1,
                             .inner = true});
    sweep();
    sweeping_.emplace(kSweepPause, [this] { sweep(); });
  }

  // There is nothing to say of it: an instance is not told what it may be asked.
  Json summary(const Instance&) override { return nullptr; }
  void forget(const Instance& instance) override { stores_->messages.forget(instance.id); }

  // A message that waits is not sent any more.
  void stop() noexcept override {
    if (delays_) delays_->stop();
    if (sweeping_) sweeping_->stop();
  }

 private:
  // A history may be long: what happens meanwhile does not stand behind it. What changes a message
  // is taken twice, because the message may be waiting there.
  std::vector<std::string> route(const Event& event) override {
    if (event.type == "message.exchange" && event.data.as_object().contains("isHistory"))
      return {"history"};
    if (changesAMessage(event)) return {"store", "history"};
    for (const char* type :
         {"message.exchange", "message.status", "label.update", "contact.update", "chat.update"})
      if (event.type == type) return {"store"};
    return {};
  }

  Verdict deliver(const Event& event, const std::string&) override {
    if (event.type == "label.update")
      stores_->labels.take(event);
    else if (event.type == "contact.update")
      stores_->contacts.take(event);
    else if (event.type == "chat.update")
      stores_->messages.takeDeletion(event);
    else
      stores_->messages.take(event);
    // It may have been deleted meanwhile, and what is kept of it before.
    if (!host_->instances().find(event.instance)) stores_->messages.forget(event.instance);
    return {};
  }

  void sweep() try {
    MessageStore& store = stores_->messages;
    overdue_->giveUp();
    if (!store.sweep()) return;
    for (const auto& owner : store.owners())
      if (!host_->instances().find(owner)) store.forget(owner);
  } catch (const std::exception& error) {
    host_->log().write(Level::warn, "Old messages were not deleted", {{"reason", error.what()}});
  }

  IHost* host_ = nullptr;
  std::unique_ptr<Stores> stores_;
  std::optional<Delays> delays_;
  std::optional<Desk> desk_;
  std::optional<OverdueStore> overdue_;
  std::optional<Repetition> sweeping_;
};

}  // namespace

POMBO_BLOCK(MessagesBlock, "messages", "0.1.0")
