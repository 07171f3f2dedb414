#include "event/envelope.hpp"

#include "event/inlining.hpp"
#include "event/media_part.hpp"
#include "observe/timestamp.hpp"
#include "storage/quick_base64.hpp"

namespace pombo {

Json Envelope::of(const Event& event, bool withMediaBase64) const {
  const auto to = around_.addressee(event.instance, includeToken_);
  Json data = event.data;
  if (carriesMedia(event)) {
    auto& media = *mediaIn(data);
    if (withMediaBase64 && !NoInlining::leaves()) inlineMedia(event, media);
    showLink(event, media);
  }
  if (shape_ == MessageShape::catalogue && event.type == "message.exchange")
    data = catalogueShapeOf(std::move(data));
  return {{"event", event.type},
          {"data", std::move(data)},
          {"instanceData",
           {{"baseUrl", around_.baseUrl()},
            {"instance", to.name},
            {"token", to.token ? Json(*to.token) : Json()}}},
          {"id", event.id.empty() ? around_.newId() : event.id},
          {"timestamp", timestamp(event.at == TimePoint() ? clock_.now() : event.at)}};
}

// Good from now on, however late this is sent: an event that is kept holds no link.
void Envelope::showLink(const Event& event, boost::json::object& shown) const {
  const auto link = around_.mediaLink(event);
  shown["url"] = link ? Json(around_.baseUrl() + *link) : Json();
  const auto* const base64 = shown.if_contains("base64");
  const bool isThere = link || (base64 && base64->is_string());
  if (!isThere && !shown.contains("error")) shown["error"] = "Media are no longer stored";
}

void Envelope::inlineMedia(const Event& event, boost::json::object& shown) const {
  try {
    const Media found = around_.mediaOf(event);
    if (found.size > kMostMedia) {
      shown["base64"] = nullptr;
      shown["base64Omitted"] = true;
    } else {
      shown["base64"] = quickBase64(bytesOf(found, kMostMedia));
    }
  } catch (const Error& error) {
    shown["base64"] = nullptr;
    if (!shown.contains("error")) shown["error"] = error.what();
  }
}

}  // namespace pombo
