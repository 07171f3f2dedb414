#include <algorithm>

#include "event_schemas.hpp"
#include "json_schema.hpp"
#include "links_side.hpp"
#include "media_key.hpp"
#include "perform_side.hpp"
#include "phone_side.hpp"
#include "pombo/block.hpp"
#include "synthetic.hpp"

namespace {

using namespace pombo;

constexpr std::int64_t kScanSeconds = 180;  // unless the operator says otherwise
constexpr auto kLinked = "Instance linked";
constexpr auto kInjected = "Event injected";

std::vector<Field> bodyOfScan() {
  return {{.name = "number", .doc = "Whose phone it is; absent: anybody's.", .maxLength = 40}};
}

std::vector<Field> bodyOfEvent() {
  return {{.name = "event",
           .doc = "What happens.",
           .need = Need::always,
           .choices = {kWireEvents.begin(), kWireEvents.end()},
           .refusal = "Unknown event: <value>"},
          {.name = "data",
           .type = Type::object,
           .doc = "As receivers find it under `data`. What has a usual value may be left out.",
           .need = Need::always}};
}

// Never all of it in memory that is ours.
Descriptor madeFile(std::uint64_t size) {
  static const std::string piece = syntheticPiece();
  const Descriptor file = mediaOf("", "").file;
  for (std::uint64_t at = 0; at < size;) {
    const auto begin = at % piece.size();
    const auto n = ::write(file.get(), piece.data() + begin,
                           std::min<std::uint64_t>(piece.size() - begin, size - at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(Code::unavailable, "Media could not be made");
    at += static_cast<std::uint64_t>(n);
  }
  return file;
}

// Links instances to a WhatsApp of its own, in which nothing happens but what it is told.
class SimulatorBlock final : public IBlockConfigurator, private IConnector {
 public:
  std::vector<Field> options() const override {
    return {{.name = "scanSeconds",
             .type = Type::integer,
             .fallback = kScanSeconds,
             .doc = "How long a code waits to be scanned.",
             .min = 1,
             .max = 86'400}};
  }

  void start(IHost& host) override {
    host_ = &host;
    links_.begin(host, std::chrono::seconds(
                           Fields(host.config()).get<std::int64_t>("scanSeconds", kScanSeconds)));
    addPhoneRoutes(host, links_);
    host.routes().add({.method = Method::post,
                       .path = "/api/simulator/scan/:instance",
                       .summary = "Scan the code of a simulated instance",
                       .body = bodyOfScan(),
                       .reply = simulatedReply(kLinked, "jid")},
                      [this](const HttpRequest& request) { return scan(request); });
    host.routes().add({.method = Method::post,
                       .path = "/api/simulator/event/:instance",
                       .summary = "Let something happen to a simulated instance",
                       .body = bodyOfEvent(),
                       .reply = simulatedReply(kInjected, "id"),
                       .status = 202},
                      [this](const HttpRequest& request) { return inject(request); });
  }

  void forget(const Instance& instance) override { links_.forget(instance); }
  void stop() noexcept override { links_.stop(); }

  // What there is to say of a link, every instance says already.
  Json summary(const Instance&) override { return nullptr; }
  IConnector* connector() noexcept override { return this; }

 private:
  HttpReply scan(const HttpRequest& request) {
    const Instance& instance = simulated(request);
    const auto number = Fields(request.fields).find<std::string>("number");
    return {
        .body = {{"success", true}, {"message", kLinked}, {"jid", links_.scan(instance, number)}}};
  }

  HttpReply inject(const HttpRequest& request) {
    const Instance& instance = simulated(request);
    const Fields fields(request.fields);
    Event event{.type = fields.require<std::string>("event"), .instance = instance.id};
    event.data = fields.document().at("data");
    auto& data = event.data.as_object();
    if (!data.contains("timestamp")) data["timestamp"] = timeText(host_->clock().now());
    const bool ofState = event.type == "instance.state";
    if (ofState && !data.contains("instance")) data["instance"] = instance.name;
    schemas_.complete(event.type, event.data);
    if (const auto problem = schemas_.problemOf(event.type, event.data))
      throw Error(Code::invalid, "Invalid data: " + *problem);
    // Of the others nobody has checked what they call so.
    const bool ofMessage = event.type == "message.exchange";
    if (ofMessage || event.type == "message.status")
      event.chat = std::string(data.at("chat").at("jid").as_string());
    if (ofMessage) event.mediaKey = takeMedia(event.data);
    const bool ofLogout = ofState && data.at("state") == "logged_out";
    std::string id;
    if (ofLogout)
      links_.logOut(instance.id, [&] { id = publish(event); });
    else
      id = publish(event);
    return {.status = 202, .body = {{"success", true}, {"message", kInjected}, {"id", id}}};
  }

  // What the schema leaves open may still be nothing that an event can carry.
  std::string publish(const Event& event) try {
    return host_->events().publish({event}).front();
  } catch (const Error& error) {
    if (error.code != Code::invalid) throw;
    throw Error(Code::invalid, std::string("Invalid data: ") + error.what());
  }

  // IConnector
  Link connect(const Instance& instance, const LinkRequest& request) override {
    return links_.connect(instance, request);
  }
  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    links_.reconnect(instance);
  }
  void disconnect(const Instance& instance) override { links_.disconnect(instance); }
  void logout(const Instance& instance) override { links_.logout(instance); }
  Profile profile(const Instance& instance) override { return links_.profile(instance); }

  Json perform(const Instance& instance, const std::string& name, const Json& arguments) override {
    return performBy(links_, *host_, instance, name, arguments);
  }
  Json performWith(const Instance& instance, const std::string& name, const Json& arguments,
                   const std::vector<Media>& files) override {
    return performBy(links_, *host_, instance, name, arguments, files);
  }

  Media media(const Instance&, const std::string& mediaKey) override {
    const auto file = fileBehind(mediaKey);
    if (!file) throw Error(Code::tooLarge, "Media is too large");
    const auto bytes = file->bytes ? mediaOf("", *file->bytes).file : madeFile(file->size);
    return {file->mimeType, file->fileName, file->size, bytes};
  }

  IHost* host_ = nullptr;
  const JsonSchema schemas_{kEventSchemas};
  SimulatedLinks links_;  // calls the host
};

}  // namespace

POMBO_BLOCK(SimulatorBlock, "simulator", "0.1.0")
