#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

// What WhatsApp and a phone would have come up with.

std::string syntheticQr();           // of the form that phones scan: "2@...,...,...,..."
std::string syntheticPairingCode();  // eight characters that cannot be taken for one another
std::string syntheticCallId();       // eight hexadecimal digits
std::string syntheticNumber();       // a Brazilian mobile's
std::string syntheticLid();          // "271828182845904@lid"
std::string syntheticMessageId();    // "3EB0C767D26A1B2F5510"
std::string syntheticGroupJid();     // "120363271828182845@g.us"
std::string syntheticChannelJid();   // "120363271828182845@newsletter"
std::string syntheticInviteCode();   // 22 letters and digits
std::string syntheticPictureId();    // "1700000000"

// Of a file that is the same every time: it is made of this again and again, however large it is.
// Readable: it says what it is.
std::string syntheticPiece();
// Of text that is known to be base64.
std::string decodedBase64(const std::string& text);
std::string encodedBase64(const std::string& bytes);

// Of bytes that come one after the other.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  std::string hex();  // lower case; once

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// "2026-11-21T12:00:00Z"
std::string timeText(std::chrono::system_clock::time_point);
