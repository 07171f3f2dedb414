#include "http/deflate.hpp"

#include <zlib.h>

#include <new>

namespace pombo {
namespace {

constexpr std::string_view kEnd("\0\0\xff\xff", 4);  // of every flush; it is not sent
constexpr int kMemoryLevel = 5;
constexpr int kWidestWindow = 15;  // of what clients send
constexpr int kAtBlock = 128;      // in data_type: between two blocks

Bytef* bytesOf(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

}  // namespace

std::optional<std::string> deflated(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -kDeflateWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(text.size() + kEnd.size(), '\0');
  stream.next_in = bytesOf(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = bytesOf(out);
  stream.avail_out = static_cast<uInt>(out.size());
  const bool fits = deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_out > 0;
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (!fits || !out.ends_with(kEnd)) return std::nullopt;
  out.resize(out.size() - kEnd.size());
  if (out.size() >= text.size()) return std::nullopt;
  out.shrink_to_fit();
  return out;
}

Inflater::Inflater() : stream_(std::make_unique<z_stream>()) {
  if (inflateInit2(stream_.get(), -kWidestWindow) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

void Inflater::give(std::string_view bytes) {
  stream_->next_in = bytesOf(bytes);
  stream_->avail_in = static_cast<uInt>(bytes.size());
}

void Inflater::giveEnd() { give(kEnd); }

std::optional<std::string_view> Inflater::take(std::span<char> into) {
  if (isBroken_) return std::nullopt;
  // Asked for nothing, it would forget that it stands between two blocks.
  if (stream_->avail_in == 0 && !isFull_) return std::string_view();
  stream_->next_out = bytesOf({into.data(), into.size()});
  stream_->avail_out = static_cast<uInt>(into.size());
  int result = Z_OK;
  // A message may consist of several streams: what follows a last block is another.
  while ((result = inflate(stream_.get(), Z_SYNC_FLUSH)) == Z_STREAM_END &&
         inflateReset(stream_.get()) == Z_OK && stream_->avail_in > 0)
    continue;
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  isFull_ = stream_->avail_out == 0;
  const std::string_view text(into.data(), into.size() - stream_->avail_out);
  isBroken_ = result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END;
  if (isBroken_ && text.empty()) return std::nullopt;
  return text;
}

bool Inflater::isWhole() const { return (stream_->data_type & kAtBlock) != 0; }

}  // namespace pombo
