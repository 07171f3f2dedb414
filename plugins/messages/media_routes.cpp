#include "media_routes.hpp"

#include <set>
#include <string_view>

#include "media_file.hpp"
#include "url_reference.hpp"

using namespace pombo;
using boost::json::object;

namespace {

constexpr int kMostRedirects = 5;
constexpr std::chrono::milliseconds kDownloadTime{30'000};

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

constexpr auto kNoUrl = "The 'mediaUrl' field must be a valid http or https URL";

[[noreturn]] void refuseDownload(const std::string& reason) {
  refuse("Failed to download media: " + reason);
}

// Not all of a file is looked through for what stands at the beginning.
bool isUrl(std::string_view text) {
  return text.substr(0, 32).find("://") != text.npos && !text.starts_with("data:");
}

std::string headerIn(const IncomingReply& reply, const char* name) {
  const auto it = reply.headers.find(name);
  return it == reply.headers.end() ? "" : it->second;
}

// Without its parameters, which say more of the text than of the file.
std::string contentTypeOf(const IncomingReply& reply) {
  const std::string type = headerIn(reply, "content-type");
  const std::string bare = type.substr(0, type.find(';'));
  return bare.substr(0, bare.find_last_not_of(" \t") + 1);
}

// Empty: it leads nowhere that can be told.
std::string redirectedTo(const IncomingReply& reply, const std::string& from) {
  static const std::set<int> redirects{301, 302, 303, 307, 308};
  const std::string to = headerIn(reply, "location");
  return redirects.contains(reply.status) && !to.empty() ? resolved(from, to) : "";
}

IncomingReply asked(const Desk& desk, const std::string& url) try {
  desk.host().http().requireAllowed(url);
  OutgoingRequest request{.method = Method::get, .url = url};
  request.timeout = kDownloadTime;
  request.replyLimit = desk.mediaLimit() + 1;
  return desk.host().http().send(request);
} catch (const Error& error) {
  // A name may lead elsewhere once it is dialled.
  const std::string said = error.what();
  if (said.ends_with("not an http or https URL")) refuse(kNoUrl);
  if (said.starts_with("URL is not allowed")) refuse(said);
  refuseDownload(error.what());
}

MediaFile downloaded(const Desk& desk, std::string url) {
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    const IncomingReply reply = asked(desk, url);
    const std::string next = redirectedTo(reply, url);
    if (next.empty() && reply.status != 200) refuseDownload("HTTP " + std::to_string(reply.status));
    if (next.empty()) {
      if (reply.body.size() > desk.mediaLimit()) desk.refuseTooLarge();
      return mediaFileOf(reply.body, contentTypeOf(reply));
    }
    url = next;
  }
  refuseDownload("too many redirects");
}

MediaFile given(boost::json::string text, const std::string& key) {
  if (auto file = mediaFileIn(std::move(text))) return *std::move(file);
  refuse("Invalid request body: The '" + key + "' field must be " +
         (key == "mediaUrl" ? "a URL, a data URI or base64" : "base64"));
}

}  // namespace

bool isToFetch(const object& told) {
  const auto* url = told.if_contains("mediaUrl");
  const auto* file = told.if_contains("mediaBase64");
  return url && file && url->is_string() && file->is_null() && isUrl(url->get_string());
}

void takeMedia(const Desk& desk, object& told) {
  const bool fetched = isToFetch(told);
  const char* key = told.at("mediaUrl").is_string() ? "mediaUrl" : "mediaBase64";
  const std::string url(fetched ? std::string_view(told.at(key).get_string()) : "");
  MediaFile file =
      fetched ? downloaded(desk, url) : given(std::move(told.at(key).as_string()), key);
  if (file.size > desk.mediaLimit()) desk.refuseTooLarge();
  // Whoever names it knows.
  const Json& said = told.at("mimeType");
  const std::string mimeType = said.is_string() ? std::string(said.get_string()) : mimeTypeOf(file);
  if (!fitsMediaType(mimeType, std::string(told.at("mediaType").as_string())))
    refuse("Unsupported media type: " + mimeType);
  if (told.at("fileName").is_null()) told["fileName"] = fetched ? fileNameIn(url) : "";
  if (!fetched) told["mediaUrl"] = nullptr;
  told["mediaBase64"] = std::move(file.base64);
  told["mimeType"] = mimeType;
  told["mediaSize"] = file.size;
}
