#include "instance/qr_code.hpp"

#include <png.h>
#include <qrencode.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "storage/quick_base64.hpp"

namespace pombo {
namespace {

using Matrix = std::unique_ptr<QRcode, decltype(&QRcode_free)>;
using Pixels = std::vector<std::uint8_t>;  // row by row, each an index into kColours

constexpr std::size_t kMostText = 2953;  // bytes, in a code of version 40
constexpr std::array<std::uint8_t, 6> kColours{255, 255, 255, 0, 0, 0};

// As much as a camera can do without, as long as it fits: a long text needs all of the room.
Matrix matrixOf(const std::string& text) {
  for (const auto level : {QR_ECLEVEL_M, QR_ECLEVEL_L})
    if (Matrix code{
            QRcode_encodeData(static_cast<int>(text.size()),
                              reinterpret_cast<const unsigned char*>(text.data()), 0, level),
            &QRcode_free})
      return code;
  return {nullptr, &QRcode_free};
}

Pixels pixelsOf(const QRcode& code) {
  const int module = kQrPixels / (code.width + 2 * kQrMargin);
  const int first = (kQrPixels - module * code.width) / 2;
  Pixels pixels(std::size_t{kQrPixels} * kQrPixels);
  for (int y = 0; y < module * code.width; ++y) {
    auto* const row = &pixels[static_cast<std::size_t>((first + y) * kQrPixels + first)];
    const auto* const modules = code.data + y / module * code.width;
    for (int x = 0; x < module * code.width; ++x) row[x] = modules[x / module] & 1;
  }
  return pixels;
}

std::string pngOf(const Pixels& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = kQrPixels;
  image.format = PNG_FORMAT_RGB_COLORMAP;
  image.colormap_entries = kColours.size() / 3;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string png(size, '\0');
  if (!png_image_write_to_memory(&image, png.data(), &size, 0, pixels.data(), 0, kColours.data()))
    throw std::runtime_error(std::string("libpng: ") + image.message);
  png.resize(size);
  return png;
}

}  // namespace

bool fitsQr(const std::string& text) { return !text.empty() && text.size() <= kMostText; }

std::optional<std::string> qrPng(const std::string& text) {
  const Matrix code = matrixOf(text);
  return code ? std::optional(pngOf(pixelsOf(*code))) : std::nullopt;
}

std::optional<std::string> qrDataUrl(const std::string& text) {
  const auto png = qrPng(text);
  return png ? std::optional("data:image/png;base64," + quickBase64(*png)) : std::nullopt;
}

}  // namespace pombo
