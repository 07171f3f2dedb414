#include "given_side.hpp"

#include <algorithm>

#include "synthetic.hpp"

using namespace pombo;

namespace {

// Files are kept with their events: no more than a few may be large.
constexpr std::uint64_t kLargestKept = 4 << 20;
constexpr std::uint64_t kPiece = 1 << 20;

Media namedIn(const boost::json::object& told, const std::vector<Media>& files) {
  const auto* place = told.at("mediaFile").if_int64();
  if (!place || *place < 0 || static_cast<std::uint64_t>(*place) >= files.size())
    throw Error(Code::invalid, "Media was not passed on");
  return files[static_cast<std::size_t>(*place)];
}

// Never all of a large one at once.
std::string hashOf(const Media& media) {
  Sha256 hash;
  std::string piece(kPiece, '\0');
  for (std::uint64_t at = 0; at < media.size;) {
    const auto n =
        ::pread(media.file.get(), piece.data(), std::min<std::uint64_t>(kPiece, media.size - at),
                static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(Code::unavailable, "Media could not be read");
    hash.add({piece.data(), static_cast<std::size_t>(n)});
    at += static_cast<std::uint64_t>(n);
  }
  return hash.hex();
}

}  // namespace

Json withFile(const Json& arguments, const std::vector<Media>& files) {
  const auto* given = arguments.if_object();
  if (!given) return arguments;
  Json made = arguments;
  auto& told = made.get_object();
  if (told.contains("mediaFile")) {
    const Media media = namedIn(told, files);
    told["sha256"] = hashOf(media);
    const bool small = media.size <= kLargestKept;
    told["mediaBase64"] = small ? Json(encodedBase64(bytesOf(media, kLargestKept))) : Json();
  } else if (const auto* base64 = told.if_contains("mediaBase64"); base64 && base64->is_string()) {
    Sha256 hash;
    hash.add(decodedBase64(std::string(base64->get_string())));
    told["sha256"] = hash.hex();
  }
  return made;
}
