#include "media_routes.hpp"

#include "media_file.hpp"

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

bool isUrl(const std::string& text) { return text.find("://") != text.npos; }

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
  if (reply.status < 301 || reply.status > 308) return {};
  const std::string to = headerIn(reply, "location");
  if (!to.starts_with('/') || to.starts_with("//")) return to;
  return from.substr(0, from.find('/', from.find("://") + 3)) + to;
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

MediaFile given(const std::string& text, const char* key) {
  if (auto file = mediaFileIn(text)) return *std::move(file);
  refuse(std::string("Invalid request body: The '") + key + "' field must be " +
         (std::string(key) == "mediaUrl" ? "a URL, a data URI or base64" : "base64"));
}

// Whoever names it knows; then what it begins with; then who gave it.
std::string mimeTypeOf(const MediaFile& file, const Json& said) {
  if (said.is_string()) return std::string(said.get_string());
  std::string found = mimeTypeIn(file.head);
  if (found.empty()) found = file.mimeType;
  return found.empty() ? "application/octet-stream" : found;
}

}  // namespace

void takeMedia(const Desk& desk, object& told) {
  const auto* url = told.at("mediaUrl").if_string();
  const bool fetched = url && isUrl(std::string(*url)) && !url->starts_with("data:");
  const MediaFile file = fetched
                             ? downloaded(desk, std::string(*url))
                             : given(std::string(url ? *url : told.at("mediaBase64").as_string()),
                                     url ? "mediaUrl" : "mediaBase64");
  if (file.size > desk.mediaLimit()) desk.refuseTooLarge();
  const std::string mimeType = mimeTypeOf(file, told.at("mimeType"));
  if (!fitsMediaType(mimeType, std::string(told.at("mediaType").as_string())))
    refuse("Unsupported media type: " + mimeType);
  if (told.at("fileName").is_null())
    told["fileName"] = fetched ? fileNameIn(std::string(*url)) : "";
  if (!fetched) told["mediaUrl"] = nullptr;
  told["mediaBase64"] = file.base64;
  told["mimeType"] = mimeType;
  told["mediaSize"] = file.size;
}
