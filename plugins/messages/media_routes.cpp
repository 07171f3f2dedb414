#include "media_routes.hpp"

#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>

#include "media_file.hpp"
#include "url_reference.hpp"

using namespace pombo;
using boost::json::object;

namespace {

void write(const Descriptor& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "media");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

Media mediaIn(const MediaFile& file) {
  Media media = mediaOf("", "");
  decode(file, [&](const std::string& bytes) {
    write(media.file, bytes);
    media.size += bytes.size();
  });
  return media;
}

constexpr int kMostRedirects = 5;
constexpr auto kUrlOrFile = "a URL, a data URI or base64";
constexpr std::chrono::seconds kDownloadTime{30};  // of all files of a message

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

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

// A file that is to be downloaded.
struct Wanted {
  object& owner;  // of its URL
  const char* key;
  std::string field;      // as the client calls it
  std::string mediaType;  // "image", ...
  bool isBeside = true;   // it becomes the `file` of its owner
};

bool hasGivenFile(const object& told) {
  const auto* file = told.if_contains("mediaBase64");
  return file && file->is_string();
}

void addCards(object& told, std::vector<Wanted>& all) {
  auto* cards = told.if_contains("cards");
  if (!cards) return;
  std::size_t number = 0;
  for (auto& card : cards->as_array()) {
    object& header = card.at("header").as_object();
    const std::string path = "cards[" + std::to_string(number++) + "].header.";
    for (const auto& [key, type] : {std::pair("imageUrl", "image"), std::pair("videoUrl", "video")})
      if (!header.at(key).as_string().empty()) all.push_back({header, key, path + key, type});
  }
}

std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<Wanted> wantedIn(object& told, const std::string& urlField) {
  std::vector<Wanted> all;
  const auto* url = told.if_contains("mediaUrl");
  const bool takesBytes = told.contains("mediaBase64");
  if (url && url->is_string() && !hasGivenFile(told) && (!takesBytes || isUrl(url->get_string())))
    all.push_back({told, "mediaUrl", urlField,
                   lowered(std::string(told.at("mediaType").as_string())), !takesBytes});
  addCards(told, all);
  return all;
}

// A name may lead elsewhere once it is dialled.
[[noreturn]] void refuseUrl(const Error& error, const std::string& field) {
  const std::string said = error.what();
  if (said.ends_with("not an http or https URL"))
    refuse("The '" + field + "' field must be a valid http or https URL");
  if (said.starts_with("URL is not allowed")) refuse(said);
  refuseDownload(said);
}

// What all files of one message share.
struct Download {
  const Desk& desk;
  TimePoint latest;
  std::uint64_t room;  // bytes
  FileMemory::Share& memory;
};

IncomingReply asked(const Download& all, const std::string& url, const std::string& field) try {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      all.latest - all.desk.host().clock().now());
  if (left.count() <= 0) refuseDownload("it takes too long");
  all.desk.host().http().requireAllowed(url);
  OutgoingRequest request{.method = Method::get, .url = url};
  request.timeout = left;
  request.replyLimit = all.room + 1;
  return all.desk.host().http().send(request);
} catch (const Error& error) {
  if (std::string_view(error.what()).starts_with("Failed to download media")) throw;
  refuseUrl(error, field);
}

// With the memory of all that it may have.
IncomingReply downloaded(Download& all, std::string url, const std::string& field) {
  Desk::hold(all.memory, all.memory.bytes() + all.room);
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    IncomingReply reply = asked(all, url, field);
    const std::string next = redirectedTo(reply, url);
    if (next.empty() && reply.status != 200) refuseDownload("HTTP " + std::to_string(reply.status));
    if (next.empty() && reply.body.size() > all.room) all.desk.refuseTooLarge();
    if (next.empty()) return reply;
    url = next;
  }
  refuseDownload("too many redirects");
}

MediaFile given(boost::json::string text, const std::string& field, const char* what) {
  if (auto file = mediaFileIn(std::move(text))) return *std::move(file);
  refuse("Invalid request body: The '" + field + "' field must be " + what);
}

std::string textOr(const object& told, const char* key, const std::string& otherwise) {
  const auto* said = told.if_contains(key);
  return said && said->is_string() ? std::string(said->get_string()) : otherwise;
}

// Whoever names a file, or its type, knows.
void describe(object& told, const MediaFile& file, const std::string& mediaType,
              const std::string& name) {
  const std::string mimeType = textOr(told, "mimeType", mimeTypeOf(file));
  if (!fitsMediaType(mimeType, mediaType)) refuse("Unsupported media type: " + mimeType);
  told["fileName"] = textOr(told, "fileName", name);
  told["mimeType"] = mimeType;
  told["mediaSize"] = file.size;
}

void put(object& told, Media file, SentMedia& media) {
  told.erase("mediaBase64");
  told["mediaFile"] = static_cast<std::int64_t>(media.files.size());
  media.files.push_back(std::move(file));
}

// Of each piece there is a copy before it goes itself.
void fetch(Download& all, const Wanted& wanted, SentMedia& media) {
  const std::uint64_t held = all.memory.bytes();
  const std::string url(wanted.owner.at(wanted.key).as_string());
  IncomingReply reply = downloaded(all, url, wanted.field);
  const std::uint64_t size = reply.body.size();
  all.room -= size;
  object beside;
  object& told = wanted.isBeside ? beside : wanted.owner;
  describe(told, mediaFileOf(reply.body, contentTypeOf(reply)), wanted.mediaType, fileNameIn(url));
  const std::uint64_t copied = wanted.isBeside ? (size + 2) / 3 * 4 : size;
  Desk::hold(all.memory, held + size + copied);
  if (wanted.isBeside) {
    beside["mediaBase64"] = base64Of(reply.body);
    wanted.owner["file"] = std::move(beside);
  } else {
    put(told, mediaOf("", reply.body), media);
  }
  reply.body = std::string();
  Desk::hold(all.memory, held + copied);
}

}  // namespace

SentMedia takeGivenMedia(const Desk& desk, object& told, const std::string& urlField) {
  const auto wanted = wantedIn(told, urlField);
  for (const auto& each : wanted) try {
      desk.host().http().requireAllowed(std::string(each.owner.at(each.key).as_string()));
    } catch (const Error& error) {
      refuseUrl(error, each.field);
    }
  SentMedia media{.memory = desk.files().share()};
  if (!wanted.empty() || !told.contains("mediaBase64")) return media;
  const bool isUrlField = !hasGivenFile(told);
  boost::json::string text =
      std::move(told.at(isUrlField ? "mediaUrl" : "mediaBase64").as_string());
  const MediaFile file = isUrlField ? given(std::move(text), urlField, kUrlOrFile)
                                    : given(std::move(text), "mediaBase64", "base64");
  if (file.size > desk.mediaLimit()) desk.refuseTooLarge();
  told["mediaUrl"] = nullptr;
  describe(told, file, std::string(told.at("mediaType").as_string()), "");
  Desk::hold(media.memory, file.size);
  put(told, mediaIn(file), media);
  return media;
}

void fetchMedia(const Desk& desk, object& told, SentMedia& media, const std::string& urlField) {
  // Of those beside, which cross within a frame, as much as in the body of a request.
  const std::uint64_t limit = desk.mediaLimit();
  Download all{desk, desk.host().clock().now() + kDownloadTime,
               told.contains("mediaBase64") ? limit : limit / 4 * 3, media.memory};
  for (const auto& each : wantedIn(told, urlField)) fetch(all, each, media);
}
