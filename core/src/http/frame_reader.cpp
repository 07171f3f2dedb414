#include "http/frame_reader.hpp"

#include <algorithm>

namespace pombo {
namespace {

using Got = FrameReader::Got;

constexpr std::uint8_t kReserved = 0x70, kDeflated = 0x40, kOpcode = 0x0f, kMasked = 0x80,
                       kLength = 0x7f;
constexpr std::uint64_t kMostControl = 125;

std::uint64_t numberOf(const std::uint8_t* bytes, int count) {
  std::uint64_t number = 0;
  for (int i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

// RFC 6455, 7.4: what may stand in a frame, registered ones included.
bool isCloseCode(std::uint64_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

bool Utf8Check::feed(std::uint8_t byte) {
  if (left_ > 0) {
    if (byte < lowest_ || byte > highest_) return false;
    lowest_ = 0x80;
    highest_ = 0xbf;
    --left_;
    return true;
  }
  if (byte < 0x80) return true;
  // No second way to write a letter, no surrogates, nothing beyond U+10FFFF.
  if (byte < 0xc2 || byte > 0xf4) return false;
  left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  lowest_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
  highest_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  return true;
}

Got FrameReader::read(std::string_view& bytes) {
  while (true) {
    if (!inPayload_) {
      if (const Got got = takeHead(bytes); got != Got::nothing) return got;
      if (!inPayload_) return Got::nothing;
    }
    if (const Got got = takePayload(bytes); got != Got::nothing) return got;
    if (left_ > 0) return Got::nothing;
    inPayload_ = false;
    if (const Got got = onPayload(); got != Got::nothing) return got;
  }
}

Got FrameReader::takeHead(std::string_view& bytes) {
  while (headHas_ < headSize()) {
    if (bytes.empty()) return Got::nothing;
    head_[headHas_++] = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    // As soon as it is known: a client that announces nonsense need not send it.
    if (headHas_ == 2 && !(head_[1] & kMasked)) return Got::violation;
  }
  headHas_ = 0;
  return onHead();
}

std::size_t FrameReader::headSize() const {
  if (headHas_ < 2) return 2;
  const int length = head_[1] & kLength;
  return length < 126 ? 6 : length == 126 ? 8 : 14;
}

Got FrameReader::onHead() {
  const int length = head_[1] & kLength;
  const int extended = length < 126 ? 0 : length == 126 ? 2 : 8;
  left_ = extended ? numberOf(&head_[2], extended) : static_cast<std::uint64_t>(length);
  std::copy_n(&head_[static_cast<std::size_t>(2 + extended)], 4, mask_.begin());
  maskAt_ = 0;
  // The shortest way to write a length is the only one, and its highest bit is none.
  const std::uint64_t least = extended == 0 ? 0 : extended == 2 ? 126 : 0x10000;
  const int known = inflating_ && !isControl() ? kDeflated : 0;
  if ((head_[0] & kReserved & ~known) || left_ < least || left_ >> 63) return Got::violation;
  inPayload_ = true;
  if (!isControl()) return beginMessage();
  control_.clear();
  const auto opcode = static_cast<Opcode>(head_[0] & kOpcode);
  const bool isKnown = opcode == Opcode::close || opcode == Opcode::ping || opcode == Opcode::pong;
  return isKnown && isFinal() && left_ <= kMostControl ? Got::nothing : Got::violation;
}

Got FrameReader::beginMessage() {
  const auto opcode = static_cast<Opcode>(head_[0] & kOpcode);
  if (opcode != Opcode::continuation && opcode != Opcode::text && opcode != Opcode::binary)
    return Got::violation;
  if ((opcode == Opcode::continuation) != inMessage_) return Got::violation;
  const bool deflates = (head_[0] & kDeflated) != 0;
  if (deflates && inMessage_) return Got::violation;
  if (left_ > kMostFrame) return Got::tooLarge;
  room_ = kMostFrame;
  if (!inMessage_) {
    isText_ = opcode == Opcode::text;
    isDeflated_ = deflates;
    utf8_ = {};
    auto share = deflates ? inflating_->share() : BodyMemory::Share();
    if (deflates && share.grow(Inflater::kMemory, true))
      inflated_.reset(new Inflating{std::move(share), {}});
  }
  if (inflated_) slack_ += kMostRatio * static_cast<std::int64_t>(left_);
  inMessage_ = !isFinal();
  return Got::nothing;
}

Got FrameReader::takePayload(std::string_view& bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= size;
  std::string_view piece = bytes.substr(0, size);
  bytes.remove_prefix(size);
  if (!isControl() && !inflated_ && (!isText_ || isDeflated_)) return Got::nothing;
  std::array<char, 1024> clear;
  while (!piece.empty()) {
    const auto some = std::min(piece.size(), clear.size());
    for (std::size_t i = 0; i < some; ++i) {
      clear[i] = static_cast<char>(piece[i] ^ mask_[maskAt_]);
      maskAt_ = (maskAt_ + 1) & 3;
    }
    piece.remove_prefix(some);
    if (const Got got = onContent({clear.data(), some}); got != Got::nothing) return got;
  }
  return Got::nothing;
}

Got FrameReader::onContent(std::string_view bytes) {
  if (isControl()) {
    control_ += bytes;
    return Got::nothing;
  }
  if (!inflated_) return onText(bytes);
  inflated_->inflater.give(bytes);
  return inflate();
}

// What is wrong is found at the same place however it was cut.
Got FrameReader::inflate() {
  std::array<char, 4096> into;
  while (true) {
    const auto text = inflated_->inflater.take(into);
    if (!text) return Got::badText;
    if (text->empty()) return Got::nothing;
    const auto fits = std::min<std::uint64_t>(text->size(), room_);
    if (const Got got = onText(text->substr(0, fits)); got != Got::nothing) return got;
    if (fits < text->size()) return Got::tooLarge;
    room_ -= fits;
  }
}

Got FrameReader::onText(std::string_view text) {
  if (!isText_) return Got::nothing;
  for (const char c : text)
    if (!utf8_.feed(static_cast<std::uint8_t>(c))) return Got::badText;
  return Got::nothing;
}

Got FrameReader::onData() {
  if (inflated_) {
    if (!inMessage_) inflated_->inflater.giveEnd();
    if (const Got got = inflate(); got != Got::nothing) return got;
    slack_ = std::min(kMostSlack, slack_ - static_cast<std::int64_t>(kMostFrame - room_));
    if (slack_ < 0) return Got::tooLarge;
  }
  if (inMessage_) return Got::nothing;
  if (inflated_ && !inflated_->inflater.isWhole()) return Got::badText;
  inflated_.reset();
  return isText_ && !utf8_.isWhole() ? Got::badText : Got::nothing;
}

Got FrameReader::onPayload() {
  if (!isControl()) return onData();
  switch (static_cast<Opcode>(head_[0] & kOpcode)) {
    case Opcode::ping:
      return Got::ping;
    case Opcode::pong:
      return Got::pong;
    default:
      return closeOf();
  }
}

Got FrameReader::closeOf() const {
  if (control_.empty()) return Got::close;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(control_.data());
  if (control_.size() < 2 || !isCloseCode(numberOf(bytes, 2))) return Got::violation;
  Utf8Check reason;
  for (std::size_t i = 2; i < control_.size(); ++i)
    if (!reason.feed(bytes[i])) return Got::badText;
  return reason.isWhole() ? Got::close : Got::badText;
}

}  // namespace pombo
