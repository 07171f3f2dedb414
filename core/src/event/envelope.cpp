#include "event/envelope.hpp"

#include "event/inlining.hpp"
#include "observe/timestamp.hpp"
#include "storage/quick_base64.hpp"

namespace pombo {

Json Envelope::of(const Event& event, bool withMediaBase64) const {
  const auto to = around_.addressee(event.instance, includeToken_);
  Json data = event.data;
  if (withMediaBase64 && !event.mediaKey.empty()) inlineMedia(event, data);
  return {{"event", event.type},
          {"data", std::move(data)},
          {"instanceData",
           {{"baseUrl", around_.baseUrl()},
            {"instance", to.name},
            {"token", to.token ? Json(*to.token) : Json()}}},
          {"id", event.id.empty() ? around_.newId() : event.id},
          {"timestamp", timestamp(event.at == TimePoint() ? clock_.now() : event.at)}};
}

void Envelope::inlineMedia(const Event& event, Json& data) const {
  boost::json::error_code none;
  auto* const media = data.find_pointer("/message/media", none);
  if (!media || !media->is_object() || NoInlining::leaves()) return;
  auto& shown = media->get_object();
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
