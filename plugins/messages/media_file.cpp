#include "media_file.hpp"

#include <botan/base64.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace {

constexpr std::size_t kHead = 512;

struct Beginning {
  std::size_t at;
  std::string_view bytes;
  const char* mimeType;
};

using namespace std::string_view_literals;

// The first that fits.
constexpr std::array kBeginnings{Beginning{0, "\xff\xd8\xff"sv, "image/jpeg"},
                                 Beginning{0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
                                 Beginning{0, "GIF8"sv, "image/gif"},
                                 Beginning{8, "WEBP"sv, "image/webp"},
                                 Beginning{8, "WAVE"sv, "audio/wav"},
                                 Beginning{4, "ftypqt"sv, "video/quicktime"},
                                 Beginning{4, "ftypM4A"sv, "audio/mp4"},
                                 Beginning{4, "ftyp3gp"sv, "video/3gpp"},
                                 Beginning{4, "ftyp"sv, "video/mp4"},
                                 Beginning{28, "OpusHead"sv, "audio/ogg; codecs=opus"},
                                 Beginning{0, "OggS"sv, "audio/ogg"},
                                 Beginning{0, "ID3"sv, "audio/mpeg"},
                                 Beginning{0, "\xff\xfb"sv, "audio/mpeg"},
                                 Beginning{0, "\xff\xf3"sv, "audio/mpeg"},
                                 Beginning{0, "\xff\xf1"sv, "audio/aac"},
                                 Beginning{0, "\xff\xf9"sv, "audio/aac"},
                                 Beginning{0, "#!AMR"sv, "audio/amr"},
                                 Beginning{0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
                                 Beginning{0, "%PDF-"sv, "application/pdf"},
                                 Beginning{0, "PK\x03\x04"sv, "application/zip"}};

bool isPage(std::string_view head) {
  const auto first = head.find_first_not_of(" \t\r\n");
  std::string start(head.substr(std::min(first, head.size()), 14));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return start.starts_with("<!doctype html") || start.starts_with("<html");
}

bool isBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

std::string decoded(std::string_view text) {
  const auto bytes = Botan::base64_decode(text.data(), text.size());
  return {bytes.begin(), bytes.end()};
}

std::optional<MediaFile> fileOf(boost::json::string base64, std::string mimeType) {
  if (!isBase64(base64)) return std::nullopt;
  const std::size_t padding = base64.size() - 1 - base64.find_last_not_of('=');
  const std::size_t size = base64.size() / 4 * 3 - padding;
  std::string head = decoded(std::string_view(base64).substr(0, kHead));
  return MediaFile{std::move(base64), std::move(mimeType), std::move(head), size};
}

}  // namespace

std::optional<MediaFile> mediaFileIn(boost::json::string text) {
  if (!text.starts_with("data:")) return fileOf(std::move(text), "");
  const auto comma = text.find(',');
  const std::string_view head = std::string_view(text).substr(0, comma);
  if (comma == text.npos || !head.ends_with(";base64")) return std::nullopt;
  std::string name(head.substr(5, head.size() - 5 - std::string_view(";base64").size()));
  text.erase(0, comma + 1);
  return fileOf(std::move(text), std::move(name));
}

MediaFile mediaFileOf(const std::string& bytes, const std::string& mimeType) {
  return {{}, mimeType, bytes.substr(0, kHead), bytes.size()};
}

void decode(const MediaFile& file, const std::function<void(const std::string&)>& take) {
  constexpr std::size_t kPiece = 1 << 20;  // of base64
  for (std::string_view left = file.base64; !left.empty();
       left.remove_prefix(std::min(left.size(), kPiece)))
    take(decoded(left.substr(0, kPiece)));
}

std::string mimeTypeIn(std::string_view head) {
  for (const auto& each : kBeginnings)
    if (head.size() > each.at && head.substr(each.at).starts_with(each.bytes)) return each.mimeType;
  return isPage(head) ? "text/html" : "";
}

std::string mimeTypeOf(const MediaFile& file) {
  const std::string found = mimeTypeIn(file.head);
  const bool mayBeSound = found == "video/mp4" || found == "video/webm" || found == "video/3gpp";
  if (mayBeSound && file.mimeType.starts_with("audio/")) return file.mimeType;
  if (!found.empty()) return found;
  return file.mimeType.empty() ? "application/octet-stream" : file.mimeType;
}

bool fitsMediaType(const std::string& mimeType, const std::string& mediaType) {
  const bool printable =
      std::all_of(mimeType.begin(), mimeType.end(), [](char c) { return c >= ' ' && c <= '~'; });
  const auto slash = mimeType.find('/');
  if (!printable || slash == 0 || slash == mimeType.npos || slash + 1 == mimeType.size())
    return false;
  return mediaType == "document" || mimeType.starts_with(mediaType + "/");
}

std::string fileNameIn(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const std::string name = path.substr(path.rfind('/') + 1);
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  return plain && name.find('.') != name.npos && name.find("..") == name.npos && name.size() <= 255
             ? name
             : "";
}

boost::json::string base64Of(const std::string& bytes) {
  boost::json::string text(Botan::base64_encode_max_output(bytes.size()), '\0');
  std::size_t taken = 0;
  text.resize(Botan::base64_encode(text.data(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size(), taken, true));
  return text;
}
