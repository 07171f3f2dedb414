// The picture of a QR code.
#pragma once

#include <optional>
#include <string>

namespace pombo {

inline constexpr int kQrPixels = 512;  // each side
inline constexpr int kQrMargin = 4;    // at least so many modules on each side stay white

// Whether a QR code holds the text: it is not empty, and has 2,953 bytes at most.
bool fitsQr(const std::string& text);

// A PNG, of modules that are whole pixels. Nothing when the text does not fit. Thread-safe.
std::optional<std::string> qrPng(const std::string& text);

// The same as "data:image/png;base64,...".
std::optional<std::string> qrDataUrl(const std::string& text);

}  // namespace pombo
