// What a client sends through a WebSocket. The first byte of the input says whether the client has
// agreed to deflate, and how the rest comes in pieces. What is read must not depend on them, and is
// what a plain reading of all of it makes of it.
#include <algorithm>
#include <optional>
#include <vector>

#include "http/frame_reader.hpp"
#include "http/handshake.hpp"
#include "target.hpp"

namespace {

using namespace pombo;
using Got = FrameReader::Got;

struct Heard {
  Got got;
  std::string payload;
  bool operator==(const Heard&) const = default;
};

bool isEnd(Got got) { return got >= Got::close; }

// All that was heard of `bytes`, `piece` of them at a time.
std::vector<Heard> heardIn(std::string_view bytes, std::size_t piece, const BodyMemory* inflating) {
  std::vector<Heard> all;
  FrameReader reader(inflating);
  while (!bytes.empty()) {
    auto some = bytes.substr(0, piece);
    bytes.remove_prefix(some.size());
    while (!some.empty()) {
      const auto before = some.size();
      const Got got = reader.read(some);
      require(got != Got::nothing || some.empty());
      require(got == Got::nothing || some.size() < before);
      if (got == Got::nothing) break;
      all.push_back({got, isEnd(got) ? "" : reader.payload()});
      require(all.back().payload.size() <= 125);
      if (isEnd(got)) return all;
    }
  }
  return all;
}

// Whether the beginning of a text can be gone on with; `whole`: whether it ends with a letter.
bool isUtf8(std::string_view text, bool& whole) {
  whole = true;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    const int more = lead < 0x80       ? 0
                     : lead >> 5 == 6  ? 1
                     : lead >> 4 == 14 ? 2
                     : lead >> 3 == 30 ? 3
                                       : -1;
    if (more < 0) return false;
    std::uint32_t least = more == 0 ? lead : lead & (0x3f >> more), most = least;
    for (int i = 1; i <= more; ++i) {
      const auto next = at + static_cast<std::size_t>(i);
      whole = next < text.size();
      if (whole && (text[next] & 0xc0) != 0x80) return false;
      least = least << 6 | (whole ? text[next] & 0x3f : 0);
      most = most << 6 | (whole ? text[next] & 0x3f : 0x3f);
    }
    constexpr std::uint32_t kFirst[] = {0, 0x80, 0x800, 0x10000};
    if (most < kFirst[more] || least > 0x10ffff || (least >= 0xd800 && most <= 0xdfff))
      return false;
    at += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

struct Inflated {
  bool good = true;
  std::string text;
};

// In one piece. More than two frames may come to is of no interest.
Inflated inflatedOf(std::string_view bytes, std::size_t most, Inflater& inflater) {
  Inflated result;
  static std::vector<char> room(1 << 17);
  inflater.give(bytes);
  while (result.text.size() <= most) {
    const auto some = inflater.take(room);
    if (!some) result.good = false;
    if (!some || some->empty()) break;
    result.text += *some;
  }
  return result;
}

// The plain reading: a frame after the other, each message kept as a whole.
class Plain {
 public:
  Plain(std::string_view bytes, bool inflates) : bytes_(bytes), inflates_(inflates) {}

  std::vector<Heard> heard() {
    while (!bytes_.empty())
      if (const auto got = frame(); got != Got::nothing) {
        all_.push_back({got, isEnd(got) ? "" : payload_});
        if (isEnd(got)) break;
      }
    return all_;
  }

 private:
  std::uint8_t at(std::size_t i) const { return static_cast<std::uint8_t>(bytes_[i]); }

  Got frame() {
    if (bytes_.size() >= 2 && at(1) < 0x80) return Got::violation;
    const auto length = bytes_.size() < 2 ? 0 : at(1) & 0x7f;
    const std::size_t wide = length == 127 ? 8 : length == 126 ? 2 : 0, head = 6 + wide;
    if (bytes_.size() < head) return bytes_ = {}, Got::nothing;
    std::uint64_t size = wide ? 0 : static_cast<std::uint64_t>(length);
    for (std::size_t i = 0; i < wide; ++i) size = size << 8 | at(2 + i);
    if ((wide == 2 && size < 126) || (wide == 8 && size <= 0xffff) || size >> 63)
      return Got::violation;
    const std::uint8_t first = at(0), opcode = first & 15;
    const bool final = first & 0x80, deflated = first & 0x40, control = opcode >= 8;
    if (first & 0x30 || (deflated && (!inflates_ || control || opcode == 0))) return Got::violation;
    if (control && (opcode > 10 || !final || size > 125)) return Got::violation;
    if (!control && (opcode > 2 || (opcode == 0) != inMessage_)) return Got::violation;
    if (!control && size > FrameReader::kMostFrame) return Got::tooLarge;
    payload_.clear();
    const auto end = std::min<std::uint64_t>(bytes_.size(), head + size);
    for (std::size_t i = head; i < end; ++i)
      payload_ += static_cast<char>(at(i) ^ at(head - 4 + (i - head) % 4));
    const bool whole = end == head + size;
    bytes_.remove_prefix(static_cast<std::size_t>(end));
    if (!control) return data(first, size, final, whole);
    return !whole ? Got::nothing : opcode == 9 ? Got::ping : opcode == 10 ? Got::pong : close();
  }

  Got data(std::uint8_t first, std::uint64_t size, bool final, bool whole) {
    if (!inMessage_) {
      isText_ = (first & 15) == 1;
      inflater_.reset(first & 0x40 ? new Inflater : nullptr);
      text_.clear();
    }
    inMessage_ = !final;
    std::size_t more = payload_.size();
    bool good = true, letters = true;
    if (inflater_) {
      constexpr std::string_view kEnd("\0\0\xff\xff", 4);
      if (whole && final) payload_ += kEnd;
      const auto inflated = inflatedOf(payload_, FrameReader::kMostFrame, *inflater_);
      more = inflated.text.size();
      good = inflated.good;
      text_ += inflated.text.substr(0, FrameReader::kMostFrame);
    } else {
      text_ += payload_;
    }
    if (isText_ && !isUtf8(text_, letters)) return Got::badText;
    if (more > FrameReader::kMostFrame) return Got::tooLarge;
    if (!good) return Got::badText;
    if (!whole) return Got::nothing;
    if (inflater_) {
      slack_ += FrameReader::kMostRatio * static_cast<std::int64_t>(size);
      slack_ = std::min(FrameReader::kMostSlack, slack_ - static_cast<std::int64_t>(more));
      if (slack_ < 0) return Got::tooLarge;
    }
    if (final && ((inflater_ && !inflater_->isWhole()) || !letters)) return Got::badText;
    return Got::nothing;
  }

  Got close() const {
    if (payload_.empty()) return Got::close;
    if (payload_.size() == 1) return Got::violation;
    const int code =
        (static_cast<std::uint8_t>(payload_[0]) << 8) | static_cast<std::uint8_t>(payload_[1]);
    const bool forbidden = code == 1004 || code == 1005 || code == 1006;
    if (code < 1000 || (code > 1014 && code < 3000) || code > 4999 || forbidden)
      return Got::violation;
    bool whole = true;
    return isUtf8(std::string_view(payload_).substr(2), whole) && whole ? Got::close : Got::badText;
  }

  std::string_view bytes_;
  const bool inflates_;
  std::vector<Heard> all_;
  std::string payload_, text_;
  bool inMessage_ = false, isText_ = false;
  std::unique_ptr<Inflater> inflater_;
  std::int64_t slack_ = FrameReader::kMostSlack;
};

void checkRoundTrip(std::string_view text) {
  const auto small = deflated(text);
  if (!small) return;
  require(small->size() < text.size());
  Inflater inflater;
  const auto again = inflatedOf(*small, text.size(), inflater);
  require(again.good && again.text == text);
}

void checkOffer(std::string_view offers) {
  RequestHead head;
  head.headers["sec-websocket-extensions"] = std::string(offers);
  const auto answer = deflateOf(head);
  if (!answer) return;
  require(offers.find("permessage-deflate") != offers.npos);
  // What is agreed to is an offer that would be agreed to.
  head.headers["sec-websocket-extensions"] = *answer;
  require(deflateOf(head) == answer);
  require((answer->find("server_max_window_bits=12") != answer->npos) ==
          answer->ends_with("; server_max_window_bits=12"));
}

void checkKey(std::string_view key) {
  RequestHead head;
  head.method = "GET";
  head.upgrade = true;
  head.headers = {{"sec-websocket-version", "13"}, {"sec-websocket-key", std::string(key)}};
  const auto answer = handshakeOf(head);
  require(!answer || (key.size() == 24 && answer->at("sec-websocket-accept").size() == 28));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0xff) {
    checkOffer(bytes);
    checkKey(bytes);
    return 0;
  }
  const BodyMemory memory(1 << 20);
  const BodyMemory* inflating = data[0] & 1 ? &memory : nullptr;
  const auto all = heardIn(bytes, bytes.size(), inflating);
  require(all == heardIn(bytes, 1 + data[0] / 2 % 16, inflating));
  require(all == Plain(bytes, inflating).heard());
  require(memory.used() == 0);
  checkRoundTrip(bytes);
  return 0;
}
