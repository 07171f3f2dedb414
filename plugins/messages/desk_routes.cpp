#include "desk_routes.hpp"

#include <chrono>
#include <optional>

using namespace pombo;

namespace {

constexpr std::chrono::milliseconds kBudget{60'000};  // of what waits for WhatsApp
constexpr std::string_view kBefore = "The '", kNeeded = "' field is required";

// "number" of "The 'number' field is required".
std::optional<std::string> missingField(const std::string& said) {
  if (!said.starts_with(kBefore) || !said.ends_with(kNeeded)) return std::nullopt;
  return said.substr(kBefore.size(), said.size() - kBefore.size() - kNeeded.size());
}

bool isAboutType(const std::string& said) {
  if (!said.starts_with(kBefore)) return false;
  for (const Type type : {Type::boolean, Type::integer, Type::number, Type::string, Type::strings,
                          Type::object, Type::objects, Type::any})
    if (said.ends_with(std::string("' field must be ") + wordsFor(type))) return true;
  return false;
}

// Core knows these, of answers that are not late.
int statusOf(Code code) {
  switch (code) {
    case Code::invalid:
      return 400;
    case Code::unauthorized:
      return 401;
    case Code::forbidden:
      return 403;
    case Code::notFound:
      return 404;
    case Code::conflict:
      return 409;
    case Code::tooLarge:
      return 413;
    case Code::upgradeRequired:
      return 426;
    case Code::rateLimited:
      return 429;
    case Code::internal:
      return 500;
    case Code::unsupported:
      return 501;
    case Code::refused:
      return 502;
    case Code::unavailable:
      return 503;
    case Code::timedOut:
      return 504;
  }
  return 500;
}

HttpReply refusedWith(const Error& error) {
  const int status = statusOf(error.code);
  HttpReply reply{
      .status = status,
      .body = wordsOfRefusal({.code = error.code, .status = status, .sentence = error.what()})};
  if (error.retryAfter.count() > 0)
    reply.headers["retry-after"] = std::to_string(error.retryAfter.count());
  return reply;
}

}  // namespace

Json wordsOfRefusal(const Refusal& refusal) {
  std::string said = refusal.sentence;
  if (const auto field = missingField(said))
    said = (*field == "number" ? "Number" : *field) + " is required";
  else if (isAboutType(said))
    said = "Invalid request body: " + said;
  else if (said == "Invalid request body" && !refusal.detail.empty())
    said += ": " + refusal.detail;
  return {{"success", false}, {"error", {{"message", said}}}};
}

Json Desk::ask(const Instance& instance, const std::string& operation, const Json& arguments,
               const std::string& failure, const std::vector<Media>& files) const {
  requireConnected(instance);
  try {
    return files.empty() ? host_.perform(instance, operation, arguments)
                         : host_.performWith(instance, operation, arguments, files);
  } catch (const Error& error) {
    if (error.code == Code::timedOut) throw Error(error.code, "Timed out waiting for WhatsApp");
    if (error.code != Code::internal) throw;
    throw Error(Code::internal, failure + ": " + error.what());
  }
}

ChatAddress Desk::addressOf(const std::string& number) {
  if (auto address = chatAddressIn(number)) return *std::move(address);
  throw Error(Code::invalid, "Invalid number: " + number);
}

std::vector<std::string> Desk::jidsIn(const ChatAddress& address) {
  if (!address.jid.empty()) return {address.jid};
  std::vector<std::string> all;
  for (const auto& number : address.numbers) all.push_back(number + "@s.whatsapp.net");
  return all;
}

std::string Desk::jidOf(const Instance& instance, const ChatAddress& address) const {
  if (!address.jid.empty()) return address.jid;
  const Json found =
      ask(instance, "number.find", {{"numbers", boost::json::value_from(address.numbers)}},
          "Failed to look up the number");
  return Fields(found).require<std::string>("jid");
}

std::vector<std::optional<std::string>> Desk::jidsOf(const Instance& instance,
                                                     const std::vector<ChatAddress>& all) const {
  boost::json::array asked;
  for (const auto& each : all)
    if (each.jid.empty()) asked.push_back(boost::json::value_from(each.numbers));
  Json found{{"jids", boost::json::array()}};
  if (!asked.empty())
    found = ask(instance, "number.findAll", {{"people", std::move(asked)}},
                "Failed to look up the numbers");
  std::vector<std::optional<std::string>> jids;
  std::size_t next = 0;
  for (const auto& each : all) {
    const Json jid = each.jid.empty() ? found.at("jids").as_array().at(next++) : Json(each.jid);
    jids.push_back(jid.is_string() ? std::optional(std::string(jid.get_string())) : std::nullopt);
  }
  return jids;
}

void Desk::refuseTooLarge() const {
  throw Error(Code::invalid,
              "Media is too large (limit " + std::to_string(mediaLimit_ >> 20) + " MiB)");
}

void Desk::hold(FileMemory::Share& share, std::uint64_t bytes) {
  if (!share.resize(bytes))
    throw Error(Code::unavailable, "Server is busy", std::chrono::seconds(1));
}

void Desk::requireConnected(const Instance& instance) {
  if (instance.status != "connected")
    throw Error(Code::unavailable, "Instance is not connected to WhatsApp");
}

void answerLater(const Desk& desk, const std::string& requestId, const std::string& failure,
                 const std::function<HttpReply()>& serve) {
  HttpReply reply;
  try {
    reply = serve();
  } catch (const Error& error) {
    reply = refusedWith(error);
  } catch (const std::exception& bug) {
    desk.host().log().write(Level::error, "A delayed message failed", {{"exception", bug.what()}});
    reply = refusedWith(Error(Code::internal, failure));
  }
  desk.host().routes().answer(requestId, reply);
}

Field chatField(Need need) {
  return {.name = "number",
          .doc = "Whose chat it is: digits with the country's, or a JID.",
          .need = need};
}

std::string chatOf(const Desk& desk, const HttpRequest& request) {
  const auto number = Fields(request.fields).require<std::string>("number");
  const ChatAddress address = Desk::addressOf(number);
  Desk::requireConnected(*request.instance);
  return desk.jidOf(*request.instance, address);
}

Field messageIdField() {
  return {.name = "messageId", .doc = "Needed: the message.", .maxLength = 1024};
}

std::string messageIdIn(const HttpRequest& request) {
  if (auto id = Fields(request.query).find<std::string>("messageId")) return *std::move(id);
  throw Error(Code::invalid, "messageId query parameter is required");
}

Route keptRoute(Method method, const std::string& path, const char* summary,
                std::vector<Field> fields, Json reply) {
  Route route{.method = method,
              .path = "/api/" + path + "/:instance",
              .summary = summary,
              .reply = std::move(reply),
              .dialect = kDialect};
  (method == Method::get ? route.query : route.body) = std::move(fields);
  return route;
}

Route askingRoute(Method method, const std::string& path, const char* summary,
                  std::vector<Field> fields, Json reply) {
  Route route = keptRoute(method, path, summary, std::move(fields), std::move(reply));
  route.slow = true;
  route.budget = kBudget;
  return route;
}
