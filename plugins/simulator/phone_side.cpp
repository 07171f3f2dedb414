#include "phone_side.hpp"

#include "synthetic.hpp"

using namespace pombo;

namespace {

using Handler = std::function<Json(const Instance&, const Fields&)>;

constexpr auto kClosed = "Link closed", kUnlinked = "Instance unlinked", kBanned = "Number banned",
               kNetwork = "Network changed", kProfile = "Profile changed", kCalled = "Call placed",
               kKnown = "Contact known";

Json done(const char* message) { return {{"success", true}, {"message", message}}; }

void add(IHost& host, const char* path, const char* summary, std::vector<Field> body, Json reply,
         Handler handler) {
  host.routes().add({.method = Method::post,
                     .path = path,
                     .summary = summary,
                     .body = std::move(body),
                     .reply = std::move(reply)},
                    [handler = std::move(handler)](const HttpRequest& request) -> HttpReply {
                      return {.body = handler(simulated(request), Fields(request.fields))};
                    });
}

void addLinkRoutes(IHost& host, SimulatedLinks& links) {
  add(host, "/api/simulator/disconnect/:instance", "Let a simulated instance lose its link",
      {{.name = "reconnects",
        .type = Type::boolean,
        .fallback = false,
        .doc = "Whether the connector links it again by itself, once WhatsApp answers."}},
      simulatedReply(kClosed), [&links](const Instance& instance, const Fields& fields) {
        links.drop(instance, fields.require<bool>("reconnects"));
        return done(kClosed);
      });
  add(host, "/api/simulator/network/:instance", "Let WhatsApp answer a simulated instance, or not",
      {{.name = "answers",
        .type = Type::boolean,
        .doc = "While it does not, codes, links and messages that are asked for wait.",
        .need = Need::always}},
      simulatedReply(kNetwork), [&links](const Instance& instance, const Fields& fields) {
        links.answer(instance, fields.require<bool>("answers"));
        return done(kNetwork);
      });
}

void addAccountRoutes(IHost& host, SimulatedLinks& links) {
  add(host, "/api/simulator/logout/:instance", "Unlink a simulated instance on its phone", {},
      simulatedReply(kUnlinked), [&host, &links](const Instance& instance, const Fields&) {
        links.requireLinked(instance);
        links.logOut(instance.id, [&] {
          host.events().publish({{.type = "instance.state",
                                  .instance = instance.id,
                                  .data = {{"state", "logged_out"},
                                           {"reason", "401: logged out from another device"},
                                           {"onConnect", false}}}});
        });
        return done(kUnlinked);
      });
  add(host, "/api/simulator/ban/:instance",
      "Let WhatsApp refuse the number of a simulated instance",
      {{.name = "seconds",
        .type = Type::integer,
        .doc = "How long; absent: for good, and the session is gone.",
        .min = 1,
        .max = 31'536'000},
       {.name = "reason",
        .fallback = "sent to too many people",
        .doc = "As the event says it.",
        .maxLength = 200}},
      simulatedReply(kBanned), [&links](const Instance& instance, const Fields& fields) {
        links.ban(instance, fields.find<std::int64_t>("seconds"),
                  fields.require<std::string>("reason"));
        return done(kBanned);
      });
  add(host, "/api/simulator/profile/:instance", "Change what WhatsApp knows of a simulated number",
      {{.name = "name", .doc = "Of the profile.", .maxLength = 100},
       {.name = "pictureUrl", .doc = "Of the picture.", .maxLength = 2048},
       {.name = "isBusiness", .type = Type::boolean, .doc = "Whether it is a business."},
       {.name = "businessName", .doc = "Its name.", .maxLength = 100},
       {.name = "available", .type = Type::boolean, .doc = "Whether it is shown online."}},
      simulatedReply(kProfile, "profile", "object"),
      [&links](const Instance& instance, const Fields& fields) {
        Json reply = done(kProfile);
        reply.as_object()["profile"] = links.changeProfile(instance, fields);
        return reply;
      });
}

Json callOf(const Fields& fields, const std::string& callId, TimePoint now) {
  const std::string type = fields.require<std::string>("type");
  const bool video = fields.require<bool>("isVideo");
  const auto number = fields.find<std::string>("from");
  const std::string jid = jidOf(number ? *number : syntheticNumber());
  const bool ends = type == "terminated";
  return {{"type", type},
          {"status", type},
          {"callId", callId},
          {"timestamp", timeText(now)},
          {"from", {{"jid", jid}, {"lid", nullptr}, {"name", fields.require<std::string>("name")}}},
          {"creator", {{"jid", jid}, {"lid", nullptr}}},
          {"isGroup", false},
          {"groupJid", nullptr},
          {"isVideo", video},
          {"media", video ? "video" : "audio"},
          {"platform", "simulator"},
          {"version", nullptr},
          {"reason", ends ? Json("hangup") : Json()},
          {"autoRejected", false}};
}

void addCallRoute(IHost& host, SimulatedLinks& links) {
  add(host, "/api/simulator/call/:instance", "Let somebody call a simulated instance",
      {{.name = "type",
        .fallback = "offer",
        .doc = "How the call goes on.",
        .choices = {"offer", "accepted", "rejected", "terminated"}},
       {.name = "callId",
        .doc = "Of a call that was placed before; absent: a new one.",
        .maxLength = 64,
        .text = Text::printable},
       {.name = "from", .doc = "Whose number it is; absent: anybody's.", .maxLength = 40},
       {.name = "name", .fallback = "", .doc = "The caller's.", .maxLength = 100},
       {.name = "isVideo", .type = Type::boolean, .fallback = false, .doc = "With a picture."}},
      simulatedReply(kCalled, "callId"),
      [&host, &links](const Instance& instance, const Fields& fields) {
        links.requireLinked(instance);
        const std::string callId = fields.find<std::string>("callId").value_or(syntheticCallId());
        host.events().publish({{.type = "call.update",
                                .instance = instance.id,
                                .data = callOf(fields, callId, host.clock().now())}});
        Json reply = done(kCalled);
        reply.as_object()["callId"] = callId;
        return reply;
      });
}

// What is not given, the phone does not speak of.
Json contactOf(const Fields& fields) {
  boost::json::object data{{"jid", jidOf(fields.require<std::string>("number"))}};
  for (const char* key : {"lid", "firstName", "fullName", "pushName", "businessName"})
    if (const Json& given = fields.document().at(key); !given.is_null()) data[key] = given;
  return data;
}

void addContactRoute(IHost& host, SimulatedLinks& links) {
  const auto name = [](const char* key, const char* doc) {
    return Field{.name = key, .doc = doc, .maxLength = 100};
  };
  add(host, "/api/simulator/contact/:instance", "Let a simulated instance's phone know somebody",
      {{.name = "number", .doc = "Whose number it is.", .need = Need::always, .maxLength = 40},
       name("lid", "The hidden form of it."),
       name("firstName", "In the phone's address book."),
       name("fullName", "Likewise."),
       name("pushName", "As they call themselves."),
       name("businessName", "Of a business.")},
      simulatedReply(kKnown, "jid"),
      [&host, &links](const Instance& instance, const Fields& fields) {
        links.requireLinked(instance);
        const Json contact = contactOf(fields);
        host.events().publish({{.type = "contact.update",
                                .instance = instance.id,
                                .chat = std::string(contact.at("jid").as_string()),
                                .data = contact}});
        Json reply = done(kKnown);
        reply.as_object()["jid"] = contact.at("jid");
        return reply;
      });
}

}  // namespace

const Instance& simulated(const HttpRequest& request) {
  if (request.instance->connector != "simulator")
    throw Error(Code::invalid, "Instance does not use the simulator connector");
  return *request.instance;
}

Json simulatedReply(const char* message, const char* key, const char* type) {
  boost::json::array required{"success", "message"};
  boost::json::object properties{{"success", {{"const", true}}}, {"message", {{"const", message}}}};
  if (key) {
    required.emplace_back(key);
    properties[key] = {{"type", type}};
  }
  return {{"type", "object"}, {"required", required}, {"properties", properties}};
}

void addPhoneRoutes(IHost& host, SimulatedLinks& links) {
  addLinkRoutes(host, links);
  addAccountRoutes(host, links);
  addCallRoute(host, links);
  addContactRoute(host, links);
}
