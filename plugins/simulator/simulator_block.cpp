#include "event_schemas.hpp"
#include "instance_locks.hpp"
#include "json_schema.hpp"
#include "media_key.hpp"
#include "pombo/block.hpp"
#include "synthetic.hpp"
#include "waiting_codes.hpp"

namespace {

using namespace pombo;

constexpr std::int64_t kScanSeconds = 180;  // unless the operator says otherwise
constexpr auto kLinked = "Instance linked";
constexpr auto kInjected = "Event injected";

Json replyWith(const char* message, const char* key) {
  Json reply{{"type", "object"},
             {"required", {"success", "message", key}},
             {"properties", {{"success", {{"const", true}}}, {"message", {{"const", message}}}}}};
  reply.at("properties").as_object()[key] = {{"type", "string"}};
  return reply;
}

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

std::string digitsIn(const std::string& number) {
  std::string digits;
  for (const char c : number) {
    if (c >= '0' && c <= '9')
      digits.push_back(c);
    else if (std::string_view("+-() ").find(c) == std::string_view::npos)
      return {};
  }
  return digits;
}

// "5511999990000@s.whatsapp.net"
std::string jidOf(const std::string& number) {
  const std::string digits = digitsIn(number);
  if (digits.size() < 8 || digits.size() > 15)
    throw Error(Code::invalid, "Invalid number: " + number);
  return digits + "@s.whatsapp.net";
}

// What a phone and WhatsApp would know of an instance.
struct Session {
  std::string jid;  // empty: not linked
  std::string lid;

  explicit Session(const Json& document) {
    const Fields fields(document);
    jid = fields.get<std::string>("jid", "");
    lid = fields.get<std::string>("lid", "");
  }
  Json document() const { return {{"jid", jid}, {"lid", lid}}; }
};

Event stateOf(const InstanceId& id, Json data) {
  return {.type = "instance.state", .instance = id, .data = std::move(data)};
}

Event connectedAs(const Instance& instance, const Session& session) {
  return stateOf(instance.id, {{"state", "connected"}, {"jid", session.jid}, {"lid", session.lid}});
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
    scanTime_ =
        std::chrono::seconds(Fields(host.config()).get<std::int64_t>("scanSeconds", kScanSeconds));
    codes_.emplace([this](const std::string& id) { expire({id}); });
    host.routes().add({.method = Method::post,
                       .path = "/api/simulator/scan/:instance",
                       .summary = "Scan the code of a simulated instance",
                       .body = bodyOfScan(),
                       .reply = replyWith(kLinked, "jid")},
                      [this](const HttpRequest& request) { return scan(request); });
    host.routes().add({.method = Method::post,
                       .path = "/api/simulator/event/:instance",
                       .summary = "Let something happen to a simulated instance",
                       .body = bodyOfEvent(),
                       .reply = replyWith(kInjected, "id"),
                       .status = 202},
                      [this](const HttpRequest& request) { return inject(request); });
  }

  void forget(const Instance& instance) override { codes_->drop(instance.id.value); }

  // A call that is late may still show a code: nobody is told when its time is up.
  void stop() noexcept override {
    if (codes_) codes_->stop();
  }

  // What there is to say of a link, every instance says already.
  Json summary(const Instance&) override { return nullptr; }
  IConnector* connector() noexcept override { return this; }

 private:
  HttpReply scan(const HttpRequest& request) {
    const Instance& instance = simulated(request);
    const auto given = Fields(request.fields).find<std::string>("number");
    const std::string jid = given ? jidOf(*given) : "";
    const auto held = locks_.hold(instance.id.value);
    const auto number = codes_->numberOf(instance.id.value);
    if (!number) throw Error(Code::conflict, "No code is waiting to be scanned");
    Session session = sessionOf(instance.id);
    session.jid = given ? jid : jidOf(number->empty() ? syntheticNumber() : *number);
    session.lid = syntheticLid();
    host_->settings().save(instance.id, session.document());
    host_->events().publish({stateOf(instance.id, {{"state", "pair_success"},
                                                   {"jid", session.jid},
                                                   {"lid", session.lid},
                                                   {"businessName", ""},
                                                   {"platform", "simulator"}}),
                             connectedAs(instance, session)});
    codes_->drop(instance.id.value);
    return {.body = {{"success", true}, {"message", kLinked}, {"jid", session.jid}}};
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
    const std::string id = ofLogout ? logOut(event) : publish(event);
    return {.status = 202, .body = {{"success", true}, {"message", kInjected}, {"id", id}}};
  }

  // What the schema leaves open may still be nothing that an event can carry.
  std::string publish(const Event& event) try {
    return host_->events().publish({event}).front();
  } catch (const Error& error) {
    if (error.code != Code::invalid) throw;
    throw Error(Code::invalid, std::string("Invalid data: ") + error.what());
  }

  // A phone that unlinks leaves no session behind. Nobody may link between the two.
  std::string logOut(const Event& event) {
    const auto held = locks_.hold(event.instance.value);
    const std::string id = publish(event);
    codes_->drop(event.instance.value);
    host_->settings().erase(event.instance);
    return id;
  }

  Link connect(const Instance& instance, const LinkRequest& request) override {
    const auto held = locks_.hold(instance.id.value);
    const Session session = sessionOf(instance.id);
    if (!session.jid.empty()) {
      host_->events().publish({connectedAs(instance, session)});
      return {.kind = Link::Kind::connected};
    }
    const bool pairing = !request.number.empty();
    const std::string code = pairing ? syntheticPairingCode() : syntheticQr();
    Json data{{"state", "qr_ready"}, {"codes", boost::json::array()}};
    if (pairing)
      data.as_object()["pairingCode"] = code;
    else
      data.at("codes").as_array().emplace_back(code);
    host_->events().publish({stateOf(instance.id, std::move(data))});
    codes_->show(instance.id.value, request.number, scanTime_);
    return {pairing ? Link::Kind::pairing : Link::Kind::qr, code};
  }

  // On the codes' thread.
  void expire(const InstanceId& id) try {
    const auto held = locks_.hold(id.value);
    if (!codes_->dropIfOver(id.value)) return;
    host_->events().publish(
        {stateOf(id, {{"state", "disconnected"}, {"reason", "pairing_timeout"}})});
  } catch (const std::exception& error) {
    host_->log().write(Level::warn, "A code was not scanned, and nobody could be told",
                       {{"instance", id.value}, {"reason", error.what()}});
  }

  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    const auto held = locks_.hold(instance.id.value);
    const Session session = sessionOf(instance.id);
    if (session.jid.empty()) throw Error(Code::invalid, "Instance has no saved session");
    host_->events().publish({connectedAs(instance, session)});
  }

  void disconnect(const Instance& instance) override {
    const auto held = locks_.hold(instance.id.value);
    codes_->drop(instance.id.value);
    host_->events().publish(
        {stateOf(instance.id, {{"state", "disconnected"}, {"reason", "closed"}})});
  }

  void logout(const Instance& instance) override {
    const auto held = locks_.hold(instance.id.value);
    codes_->drop(instance.id.value);
    host_->settings().erase(instance.id);
  }

  Profile profile(const Instance& instance) override {
    if (sessionOf(instance.id).jid.empty()) return {};
    return {.name = instance.name, .available = true};
  }

  Json perform(const Instance&, const std::string&, const Json&) override {
    throw Error(Code::unsupported, "Not supported by the simulator connector");
  }

  Media media(const Instance&, const std::string& mediaKey) override {
    const auto file = fileBehind(mediaKey);
    if (!file) throw Error(Code::tooLarge, "Media is too large");
    Media media = mediaOf(file->mimeType, file->bytes);
    media.fileName = file->fileName;
    return media;
  }

  static const Instance& simulated(const HttpRequest& request) {
    if (request.instance->connector != "simulator")
      throw Error(Code::invalid, "Instance does not use the simulator connector");
    return *request.instance;
  }

  Session sessionOf(const InstanceId& id) const {
    return Session(host_->settings().load(id).value_or(Json()));
  }

  IHost* host_ = nullptr;
  std::chrono::seconds scanTime_{};
  const JsonSchema schemas_{kEventSchemas};
  InstanceLocks locks_;  // of each one's session, its code, and the order of what is told of both
  std::optional<WaitingCodes> codes_;  // calls into the block
};

}  // namespace

POMBO_BLOCK(SimulatorBlock, "simulator", "0.1.0")
