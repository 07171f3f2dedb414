#include "message_kind_fields.hpp"
#include "nested_fields.hpp"
#include "utc_text.hpp"

using namespace pombo;
using boost::json::object;

namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

// Null when it is not there; in UTC, as events say it.
Json timeOf(const Fields& fields, const char* key) {
  const auto given = fields.find<std::string>(key);
  if (!given) return nullptr;
  if (const auto time = timeIn(*given)) return Json(utcText(*time));
  refuse(std::string("Invalid ") + key + ": use RFC 3339 with a time zone");
}

Json degreesIn(const Nested& place, const char* key, const char* name, double most) {
  const auto degrees = place.findNumber(key);
  if (!degrees) return nullptr;
  const std::string limit = std::to_string(static_cast<int>(most));
  if (*degrees < -most || *degrees > most)
    refuse(std::string(name) + " must be between -" + limit + " and " + limit);
  return *degrees;
}

Json placeIn(const Json& given) {
  if (given.is_null()) return nullptr;
  const Nested place(given, "location");
  return {{"name", place.find("name")},
          {"address", place.find("address")},
          {"latitude", degreesIn(place, "latitude", "Latitude", 90)},
          {"longitude", degreesIn(place, "longitude", "Longitude", 180)}};
}

Json toldEvent(const Fields& fields) {
  object told{{"name", fields.require<std::string>("name")},
              {"startAt", timeOf(fields, "startAt")},
              {"endAt", timeOf(fields, "endAt")},
              {"description", fields.get<std::string>("description", "")},
              {"location", placeIn(fields.document().at("location"))}};
  for (const char* key : {"joinLink", "isScheduleCall", "hasReminder", "reminderOffsetSec",
                          "extraGuestsAllowed", "isCanceled"})
    told[key] = fields.document().at(key);
  return told;
}

Field flag(const char* name, const char* doc) {
  return {.name = name, .type = Type::boolean, .fallback = false, .doc = doc};
}

MessageKind event() {
  return {
      .name = "event",
      .summary = "Send an invitation to something that happens",
      .fields = {{.name = "name", .doc = "What it is.", .need = Need::always, .maxLength = 1024},
                 {.name = "startAt",
                  .doc = "When it begins, as RFC 3339 with a time zone.",
                  .need = Need::always},
                 {.name = "endAt", .doc = "When it ends, likewise."},
                 {.name = "description", .doc = "More of it.", .maxLength = 4096},
                 {.name = "location",
                  .type = Type::object,
                  .doc = "Where it is: {name, address, latitude, longitude}."},
                 {.name = "joinLink",
                  .type = Type::url,
                  .doc = "Where one takes part.",
                  .maxLength = 2048},
                 flag("isScheduleCall", "It is a call."),
                 flag("hasReminder", "Guests are reminded."),
                 {.name = "reminderOffsetSec",
                  .type = Type::integer,
                  .doc = "How many seconds before.",
                  .min = 0,
                  .max = 31'536'000},
                 flag("extraGuestsAllowed", "Guests may bring others."),
                 flag("isCanceled", "It does not take place.")},
      .told = toldEvent};
}

}  // namespace

std::vector<MessageKind> calendarKinds() { return {event()}; }
