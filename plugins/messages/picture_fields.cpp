#include "picture_fields.hpp"

#include <botan/base64.h>

#include <cctype>

using namespace pombo;

namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;
constexpr std::uint64_t kLimit = 5;  // MiB; phones send less than one

bool isBase64(const std::string& text) try {
  return !Botan::base64_decode(text).empty();
} catch (const std::exception&) {
  return false;
}

// Of "data:image/png;base64,iVBO...": what follows the comma.
std::string withoutHead(const std::string& text) {
  const auto comma = text.find(',');
  const bool isImage = text.starts_with("data:image/") && comma != text.npos &&
                       std::string_view(text).substr(0, comma).ends_with(";base64");
  return isImage ? text.substr(comma + 1) : "";
}

// Schemes have no case.
bool isUrl(const std::string& text) {
  std::string start = text.substr(0, std::string_view("https://").size());
  for (char& c : start) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return start.starts_with("http://") || start == "https://";
}

void requireSize(std::uint64_t bytes) {
  if (bytes > kLimit * kMebibyte)
    throw Error(Code::invalid, "Media is too large (limit " + std::to_string(kLimit) + " MiB)");
}

}  // namespace

Picture pictureIn(IHost& host, const std::string& field, const std::string& value) {
  if (isUrl(value)) {
    host.http().requireAllowed(value);
    return {.url = value};
  }
  const std::string base64 = value.starts_with("data:") ? withoutHead(value) : value;
  if (!isBase64(base64))
    throw Error(Code::invalid,
                "The '" + field + "' field must be a URL, a data URI of an image, or base64");
  requireSize(base64.size() / 4 * 3);
  return {.base64 = base64};
}

std::string bytesOf(IHost& host, const Instance& instance, const Picture& picture) {
  if (picture.url.empty()) return picture.base64;
  IncomingReply reply;
  try {
    reply = host.http().send({.method = Method::get,
                              .url = picture.url,
                              .replyLimit = kLimit * kMebibyte + 1,
                              .through = instance.id});
  } catch (const Error& error) {
    const std::string said = error.what();
    // Its name may lead elsewhere since it was looked at.
    const bool isGuarded = said.starts_with("URL is not allowed");
    throw Error(Code::invalid, isGuarded ? said : "Failed to download media: " + said);
  }
  if (reply.status != 200 || reply.body.empty())
    throw Error(Code::invalid, "Failed to download media: HTTP " + std::to_string(reply.status));
  requireSize(reply.body.size());
  return Botan::base64_encode(reinterpret_cast<const std::uint8_t*>(reply.body.data()),
                              reply.body.size());
}
