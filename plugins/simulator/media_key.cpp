#include "media_key.hpp"

#include "synthetic.hpp"

namespace {

// As much as a server keeps, unless it is told otherwise.
constexpr std::uint64_t kMaxSize = 64 << 20;
constexpr std::uint64_t kUsualSize = 1024;  // when nobody has said it

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
  key["size"] = media->at("size");
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
  const auto& size = key.at("size");
  const double bytes = size.is_null() ? kUsualSize : size.to_number<double>();
  if (bytes > kMaxSize) return std::nullopt;
  file.size = static_cast<std::uint64_t>(bytes);
  return file;
}
