#include "instance/qr_code.hpp"

#include <gtest/gtest.h>
#include <png.h>

#include <cstdint>
#include <vector>

#include "storage/sealer.hpp"

namespace pombo {
namespace {

// Whether each pixel is dark.
struct Picture {
  std::vector<bool> dark;
  bool at(int x, int y) const { return dark[static_cast<std::size_t>(y * kQrPixels + x)]; }
};

Picture pictureIn(const std::string& png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&image, png.data(), png.size())) << image.message;
  EXPECT_EQ(image.width, static_cast<unsigned>(kQrPixels));
  EXPECT_EQ(image.height, static_cast<unsigned>(kQrPixels));
  image.format = PNG_FORMAT_GRAY;
  std::vector<std::uint8_t> grey(PNG_IMAGE_SIZE(image));
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, grey.data(), 0, nullptr)) << image.message;
  Picture picture;
  for (const auto value : grey) {
    EXPECT_TRUE(value == 0 || value == 255) << int(value);
    picture.dark.push_back(value == 0);
  }
  return picture;
}

// The first dark pixel from the upper left, and how long the edge of the finder pattern there is:
// it is seven modules.
struct Frame {
  int first = 0;
  int module = 0;
};

Frame frameOf(const Picture& picture) {
  Frame frame;
  while (!picture.at(frame.first, frame.first)) ++frame.first;
  int edge = 0;
  while (picture.at(frame.first + edge, frame.first)) ++edge;
  EXPECT_EQ(edge % 7, 0);
  frame.module = edge / 7;
  return frame;
}

TEST(QrCode, IsWholeModulesWithAWhiteMarginAroundThem) {
  for (const std::size_t length : {1u, 60u, 237u, 1000u, 2331u, 2332u, 2953u}) {
    const auto png = qrPng(std::string(length, 'x'));
    ASSERT_TRUE(png) << length;
    const Picture picture = pictureIn(*png);
    const auto [first, module] = frameOf(picture);
    ASSERT_GE(module, 2) << length;
    const int modules = (kQrPixels - 2 * first) / module;
    EXPECT_EQ((modules - 21) % 4, 0) << length << ": no QR code has " << modules << " modules";
    EXPECT_GE(first, kQrMargin * module);
    for (int y = 0; y < kQrPixels; ++y)
      for (int x = 0; x < kQrPixels; ++x) {
        const int column = (x - first) / module, row = (y - first) / module;
        const bool inside = x >= first && y >= first && column < modules && row < modules;
        const bool expected = inside && picture.at(first + column * module, first + row * module);
        ASSERT_EQ(picture.at(x, y), expected) << x << ", " << y << " of " << length;
      }
  }
}

TEST(QrCode, IsAsLargeAsItCanBe) {
  const auto [first, module] = frameOf(pictureIn(*qrPng("x")));
  EXPECT_EQ(module, kQrPixels / (21 + 2 * kQrMargin));
}

TEST(QrCode, IsNothingForWhatNoneHolds) {
  for (const std::size_t length : {0u, 1u, 2953u, 2954u})
    EXPECT_EQ(fitsQr(std::string(length, 'x')), qrPng(std::string(length, 'x')).has_value());
  EXPECT_EQ(qrPng(""), std::nullopt);
  EXPECT_EQ(qrPng(std::string(2954, 'x')), std::nullopt);
  EXPECT_EQ(qrDataUrl(""), std::nullopt);
}

TEST(QrCode, HoldsAnyBytes) {
  EXPECT_TRUE(qrPng(std::string("\0\xff\n", 3)));
  EXPECT_NE(*qrPng(std::string("a\0b", 3)), *qrPng(std::string("a\0c", 3)));
}

TEST(QrCode, IsShownAsADataUrl) {
  const std::string start = "data:image/png;base64,", url = *qrDataUrl("2@code");
  ASSERT_TRUE(url.starts_with(start));
  EXPECT_EQ(fromBase64(url.substr(start.size())), qrPng("2@code"));
}

}  // namespace
}  // namespace pombo
