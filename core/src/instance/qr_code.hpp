// The picture of a QR code.
#pragma once

#include <optional>
#include <string>

namespace pombo {

inline constexpr int kQrPixels = 512;  // each side
inline constexpr int kQrMargin = 4;    // at least so many modules on each side stay white

// A PNG, of modules that are whole pixels. Nothing when no QR code holds the text: it is empty, or
// longer than 2,953 bytes. Thread-safe.
std::optional<std::string> qrPng(const std::string& text);

// The same as "data:image/png;base64,...".
std::optional<std::string> qrDataUrl(const std::string& text);

}  // namespace pombo
