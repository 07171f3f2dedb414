// The body of a request, by Content-Length or chunked. Pure: bytes in, a verdict out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pombo {

struct BodyFrame {
  std::optional<std::uint64_t> length;  // absent: chunked
  std::uint64_t limit = 0;              // bytes of body
  std::size_t trailerLimit = 0;         // bytes behind the last chunk, which are ignored
  // Asked before memory for so many bytes of body is taken; without it there is enough.
  std::function<bool(std::size_t bytes)> mayHold = nullptr;
};

class BodyReader {
 public:
  enum class Verdict { more, done, malformed, tooLarge, noRoom };

  explicit BodyReader(const BodyFrame&);
  ~BodyReader();

  // Takes what it can from the front of `bytes` and adds that to `taken`. What it left is to be
  // offered again, with more behind it.
  Verdict feed(std::string_view bytes, std::size_t& taken);
  std::string take();  // once done
  // How much of what comes next belongs to the body for sure.
  std::uint64_t wanted() const;

 private:
  class Decoder;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace pombo
