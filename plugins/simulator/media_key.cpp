#include "media_key.hpp"

#include <algorithm>

#include "synthetic.hpp"

namespace {

// As much as a server keeps, unless it is told otherwise.
constexpr std::uint64_t kMaxSize = 64 << 20;
constexpr std::uint64_t kUsualSize = 1024;  // when nobody has said it

// A number may be beyond all measure, which JSON has no word for.
std::uint64_t bytesIn(const boost::json::value& size) {
  if (size.is_null()) return kUsualSize;
  return static_cast<std::uint64_t>(std::min(size.to_number<double>(), kMaxSize + 1.0));
}

}  // namespace

std::string takeMedia(boost::json::value& data) {
  auto* media = data.at("message").at("media").if_object();
  if (!media) return {};
  boost::json::object key{{"mimeType", media->at("mimetype")}, {"fileName", media->at("fileName")}};
  if (const auto* base64 = media->at("base64").if_string()) {
    key["base64"] = *base64;
    if (media->at("size").is_null()) (*media)["size"] = decodedBase64(std::string(*base64)).size();
    (*media)["base64"] = nullptr;
  }
  key["size"] = bytesIn(media->at("size"));
  return serialize(key);
}

std::optional<SimulatedFile> fileBehind(const std::string& mediaKey) {
  const auto key = boost::json::parse(mediaKey);
  SimulatedFile file{std::string(key.at("mimeType").as_string()),
                     std::string(key.at("fileName").as_string())};
  if (const auto* base64 = key.as_object().if_contains("base64")) {
    file.bytes = decodedBase64(std::string(base64->as_string()));
    file.size = file.bytes->size();
    return file;
  }
  file.size = key.at("size").to_number<std::uint64_t>();
  if (file.size > kMaxSize) return std::nullopt;
  return file;
}
