#include "links_side.hpp"

#include "outbox.hpp"
#include "synthetic.hpp"

using namespace pombo;

namespace {

constexpr int kLaterCodes = 6;  // each is shown for a third of the time that the first is
constexpr auto kBanReason = "sent to too many people";

}  // namespace

void SimulatedLinks::begin(IHost& host, std::chrono::seconds scanTime) {
  host_ = &host;
  scanTime_ = scanTime;
  codes_.emplace([this](const std::string& id) { expire(id); });
}

// A call that is late may still show a code: nobody is told when its time is up.
void SimulatedLinks::stop() noexcept {
  if (codes_) codes_->stop();
}

Link SimulatedLinks::connect(const Instance& instance, const LinkRequest& request) {
  const auto held = locks_.hold(instance.id.value);
  if (isSilent(instance.id)) {
    putOff(instance.id, request);
    return {.kind = Link::Kind::later};
  }
  const auto session = sessionOf(instance.id);
  if (session.isLinked()) {
    if (isBanned(session)) {
      tellOfBan(instance.id, session, kBanReason);
      throw Error(Code::refused, "the number is banned");
    }
    open(instance.id, session);
    return {.kind = Link::Kind::connected};
  }
  const bool pairing = !request.number.empty();
  const std::string code = pairing ? syntheticPairingCode() : syntheticQr();
  showCodes(instance.id, request, code);
  return {pairing ? Link::Kind::pairing : Link::Kind::qr, code};
}

void SimulatedLinks::showCodes(const InstanceId& id, const LinkRequest& request,
                               const std::string& code) {
  Json data{{"state", "qr_ready"}, {"codes", boost::json::array()}};
  WaitingCodes::Shown shown{request.number, {code}, scanTime_, {}};
  if (request.number.empty()) {
    for (int i = 0; i < kLaterCodes; ++i) shown.codes.push_back(syntheticQr());
    shown.other = scanTime_ / (kLaterCodes + 3);
    shown.first = 3 * shown.other;
    data.at("codes") = boost::json::value_from(shown.codes);
  } else {
    data.as_object()["pairingCode"] = code;
  }
  tell(id, std::move(data));
  codes_->show(id.value, std::move(shown));
}

// On the codes' thread.
void SimulatedLinks::expire(const std::string& id) try {
  const auto held = locks_.hold(id);
  const auto left = codes_->next(id);
  if (!left) return;
  if (left->empty())
    tell({id}, {{"state", "disconnected"}, {"reason", "pairing_timeout"}});
  else
    tell({id}, {{"state", "qr_ready"}, {"codes", boost::json::value_from(*left)}});
} catch (const std::exception& error) {
  host_->log().write(Level::warn, "A code was not scanned, and nobody could be told",
                     {{"instance", id}, {"reason", error.what()}});
}

bool SimulatedLinks::putOff(const Instance& instance, const std::string& operation,
                            const Json& arguments) {
  if (!isSilent(instance.id)) return false;
  bool waits = false;
  change(instance, [&](SimulatedSession& session) {
    waits = isSilent(instance.id);
    if (waits) putInOutbox(session, operation, arguments);
  });
  return waits;
}

SimulatedSession SimulatedLinks::openSession(const Instance& instance) const {
  auto session = sessionOf(instance.id);
  if (!session.isLinked() || instance.status != "connected")
    throw Error(Code::unavailable, "Instance is not connected to WhatsApp");
  return session;
}

void SimulatedLinks::change(const Instance& instance,
                            const std::function<void(SimulatedSession&)>& work) {
  const auto held = locks_.hold(instance.id.value);
  auto session = openSession(instance);
  const Json before = session.document();
  work(session);
  const Json after = session.document();
  if (after != before) host_->settings().save(instance.id, after);
}

std::string SimulatedLinks::scan(const Instance& instance,
                                 const std::optional<std::string>& number) {
  const std::string given = number ? jidOf(*number) : "";
  const auto held = locks_.hold(instance.id.value);
  const auto own = codes_->numberOf(instance.id.value);
  if (!own) throw Error(Code::conflict, "No code is waiting to be scanned");
  SimulatedSession session{Json()};
  session.jid = number ? given : jidOf(own->empty() ? syntheticNumber() : *own);
  session.lid = syntheticLid();
  session.profile.name = instance.name;
  host_->settings().save(instance.id, session.document());
  const Event paired{.type = "instance.state",
                     .instance = instance.id,
                     .data = {{"state", "pair_success"},
                              {"jid", session.jid},
                              {"lid", session.lid},
                              {"businessName", ""},
                              {"platform", "simulator"}}};
  Event linked = paired;
  linked.data = {{"state", "connected"}, {"jid", session.jid}, {"lid", session.lid}};
  host_->events().publish({paired, linked});
  codes_->drop(instance.id.value);
  return session.jid;
}

void SimulatedLinks::reconnect(const Instance& instance) {
  const auto held = locks_.hold(instance.id.value);
  const auto session = sessionOf(instance.id);
  if (!session.isLinked()) throw Error(Code::invalid, "Instance has no saved session");
  if (isSilent(instance.id)) return putOff(instance.id, {});
  if (isBanned(session)) return tellOfBan(instance.id, session, kBanReason);
  open(instance.id, session);
}

void SimulatedLinks::disconnect(const Instance& instance) {
  const auto held = locks_.hold(instance.id.value);
  takeBack(instance.id);
  codes_->drop(instance.id.value);
  if (sessionOf(instance.id).isLinked())
    tell(instance.id, {{"state", "disconnected"}, {"reason", "closed"}});
}

void SimulatedLinks::logout(const Instance& instance) {
  logOut(instance.id, [] {});
}

// Nobody may link between the two.
void SimulatedLinks::logOut(const InstanceId& id, const std::function<void()>& publish) {
  const auto held = locks_.hold(id.value);
  publish();
  takeBack(id);
  codes_->drop(id.value);
  host_->settings().erase(id);
}

Profile SimulatedLinks::profile(const Instance& instance) const {
  const auto session = sessionOf(instance.id);
  return session.isLinked() ? session.profile : Profile();
}

void SimulatedLinks::forget(const Instance& instance) {
  codes_->drop(instance.id.value);
  const std::lock_guard lock(mutex_);
  asked_.erase(instance.id.value);
  silent_.erase(instance.id.value);
}

void SimulatedLinks::requireLinked(const Instance& instance) const { linkedSessionOf(instance.id); }

void SimulatedLinks::drop(const Instance& instance, bool reconnects) {
  const auto held = locks_.hold(instance.id.value);
  const auto session = linkedSessionOf(instance.id);
  Json data{{"state", "disconnected"}, {"reason", "closed"}};
  if (reconnects) data.as_object()["reconnecting"] = true;
  tell(instance.id, std::move(data));
  if (!reconnects) return takeBack(instance.id);
  if (isSilent(instance.id)) return putOff(instance.id, {});
  open(instance.id, session);
}

void SimulatedLinks::ban(const Instance& instance, std::optional<std::int64_t> seconds,
                         const std::string& reason) {
  if (!seconds) {
    requireLinked(instance);
    return logOut(instance.id, [&] {
      tell(instance.id,
           {{"state", "logged_out"}, {"reason", "406: " + reason}, {"onConnect", true}});
    });
  }
  const auto held = locks_.hold(instance.id.value);
  auto session = linkedSessionOf(instance.id);
  const auto until = host_->clock().now() + std::chrono::seconds(*seconds);
  session.bannedUntil = std::chrono::system_clock::to_time_t(
      std::chrono::ceil<std::chrono::seconds>(until));  // a second lasts one
  host_->settings().save(instance.id, session.document());
  tellOfBan(instance.id, session, reason);
  takeBack(instance.id);
}

Json SimulatedLinks::changeProfile(const Instance& instance, const Fields& fields) {
  const auto held = locks_.hold(instance.id.value);
  auto session = linkedSessionOf(instance.id);
  Profile& profile = session.profile;
  if (auto name = fields.find<std::string>("name")) profile.name = std::move(name);
  if (auto url = fields.find<std::string>("pictureUrl")) profile.pictureUrl = std::move(url);
  profile.isBusiness = fields.get<bool>("isBusiness", profile.isBusiness);
  profile.businessName = fields.get<std::string>("businessName", profile.businessName);
  profile.available = fields.get<bool>("available", profile.available);
  host_->settings().save(instance.id, session.document());
  return session.profileShown();
}

void SimulatedLinks::answer(const Instance& instance, bool answers) {
  const auto held = locks_.hold(instance.id.value);
  std::optional<LinkRequest> asked;
  {
    const std::lock_guard lock(mutex_);
    if (!answers) {
      silent_.insert(instance.id.value);
      return;
    }
    silent_.erase(instance.id.value);
    if (auto found = asked_.extract(instance.id.value)) asked = std::move(found.mapped());
  }
  const auto session = sessionOf(instance.id);
  if (!asked) return sendLate(instance.id, session);
  if (!session.isLinked())
    showCodes(instance.id, *asked, asked->number.empty() ? syntheticQr() : syntheticPairingCode());
  else if (isBanned(session))
    tellOfBan(instance.id, session, kBanReason);
  else
    open(instance.id, session);
}

void SimulatedLinks::open(const InstanceId& id, const SimulatedSession& session) {
  tell(id, {{"state", "connected"}, {"jid", session.jid}, {"lid", session.lid}});
  sendLate(id, session);
}

void SimulatedLinks::sendLate(const InstanceId& id, SimulatedSession session) {
  const auto instance = host_->instances().find(id);
  if (!instance) return;
  const auto events = sentFromOutbox(*instance, session, host_->clock().now());
  if (events.empty()) return;
  host_->events().publish(events);
  host_->settings().save(id, session.document());
}

bool SimulatedLinks::isBanned(const SimulatedSession& session) const {
  return session.bannedUntil > std::chrono::system_clock::to_time_t(host_->clock().now());
}

void SimulatedLinks::tellOfBan(const InstanceId& id, const SimulatedSession& session,
                               const std::string& reason) {
  const auto until = std::chrono::system_clock::from_time_t(session.bannedUntil);
  tell(id, {{"state", "temp_banned"},
            {"code", 101},
            {"reason", reason},
            {"expiresAt", timeText(until)}});
}

void SimulatedLinks::tell(const InstanceId& id, Json data) {
  host_->events().publish({{.type = "instance.state", .instance = id, .data = std::move(data)}});
}

SimulatedSession SimulatedLinks::sessionOf(const InstanceId& id) const {
  return SimulatedSession(host_->settings().load(id).value_or(Json()));
}

SimulatedSession SimulatedLinks::linkedSessionOf(const InstanceId& id) const {
  auto session = sessionOf(id);
  if (!session.isLinked()) throw Error(Code::conflict, "Instance is not linked");
  return session;
}

bool SimulatedLinks::isSilent(const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  return silent_.contains(id.value);
}

void SimulatedLinks::putOff(const InstanceId& id, const LinkRequest& request) {
  const std::lock_guard lock(mutex_);
  asked_.insert_or_assign(id.value, request);
}

void SimulatedLinks::takeBack(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  asked_.erase(id.value);
}
