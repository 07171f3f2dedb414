// A request from its first byte to its route. The first byte of the input says how the rest comes
// in pieces. What is read must not depend on them; beside core there is a plain reading of chunks
// and of paths.
#include <algorithm>

#include "http/authentication.hpp"
#include "http/body_reader.hpp"
#include "http/dispatcher.hpp"
#include "http/head.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

constexpr HeadLimits kLimits{.bytes = 2048, .headers = 20};
constexpr std::uint64_t kBodyLimit = 2048;
constexpr std::size_t kTrailerLimit = 64;

const char* const kPaths[] = {"/health",
                              "/api/instance/new",
                              "/api/instance/list",
                              "/api/instance/delete/:instance",
                              "/api/events/webhook",
                              "/api/events/webhook/:instance",
                              "/api/message/:kind/:instance",
                              "/manager"};

struct Routes {
  RouteTable table;
  Routes() {
    for (const char* path : kPaths)
      for (const Method method : {Method::get, Method::post})
        table.add({.route = {.method = method, .path = path}});
    table.add({.route = {.method = Method::del, .path = "/api/instance/delete/:instance"}});
    table.close();
  }
};

// The pieces that the bytes come in, each longer than the one before, up to all of them.
std::vector<std::size_t> piecesOf(std::size_t size, unsigned seed) {
  std::vector<std::size_t> ends;
  if (seed % 4 == 3)
    for (std::size_t end = 1; end < size; ++end) ends.push_back(end);
  else if (seed % 4 != 0)
    for (std::size_t end = 1 + seed % 13; end < size; end += 1 + (seed * 7 + end) % 61)
      ends.push_back(end);
  ends.push_back(size);
  return ends;
}

struct Head {
  HeadScanner::Verdict verdict = HeadScanner::Verdict::more;
  ScannedHead head;
  std::size_t size = 0;
};

Head headIn(std::string_view bytes, const std::vector<std::size_t>& pieces) {
  Head found;
  HeadScanner scanner(kLimits);
  for (const auto end : pieces) {
    found.verdict = scanner.scan(bytes.substr(0, end));
    if (found.verdict != HeadScanner::Verdict::more) break;
  }
  if (found.verdict != HeadScanner::Verdict::done) return found;
  found.size = scanner.size();
  found.head = scanner.take();
  return found;
}

// Of two that were joined, the second may have been empty.
Headers trimmed(Headers headers) {
  for (auto& [name, value] : headers) value.erase(value.find_last_not_of(" \t") + 1);
  return headers;
}

// Written down as it was understood, it is understood in the same way.
void checkHead(const Head& found) {
  const auto& request = found.head.request;
  require(found.size <= kLimits.bytes && request.headers.size() <= kLimits.headers);
  require(request.target.starts_with('/') && !request.method.empty());
  require(!(request.chunked && request.contentLength));
  require(found.head.http10 || request.headers.contains("host"));
  std::string text = request.method + " " + request.target +
                     (found.head.http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (const auto& [name, value] : request.headers) {
    require(value.find_first_of("\r\n") == value.npos);
    text += name + ": " + value + "\r\n";
  }
  text += "\r\n";
  if (text.size() > kLimits.bytes) return;
  const Head again = headIn(text, {text.size()});
  require(again.verdict == HeadScanner::Verdict::done && again.size == text.size());
  require(again.head.request.headers == trimmed(request.headers));
  require(again.head.request.target == request.target);
  require(again.head.request.contentLength == request.contentLength);
  require(again.head.keepAlive == found.head.keepAlive &&
          again.head.expectContinue == found.head.expectContinue &&
          again.head.request.upgrade == request.upgrade);
}

struct Body {
  BodyReader::Verdict verdict = BodyReader::Verdict::more;
  std::string text;
  std::size_t size = 0;  // on the wire
};

Body bodyIn(std::string_view bytes, const BodyFrame& frame,
            const std::vector<std::size_t>& pieces) {
  Body found;
  BodyReader reader(frame);
  for (const auto end : pieces) {
    std::size_t taken = 0;
    found.verdict = reader.feed(bytes.substr(found.size, end - found.size), taken);
    found.size += taken;
    require(found.size <= end);
    if (found.verdict != BodyReader::Verdict::more) break;
  }
  if (found.verdict == BodyReader::Verdict::done) found.text = reader.take();
  return found;
}

// Chunks as the standard has them; nothing when they are not, or go on. `strained`: a line is so
// long, or says so much behind the size, that a reader may refuse it.
std::optional<std::string> joined(std::string_view bytes, bool& strained) {
  const auto lineIn = [&]() -> std::optional<std::string_view> {
    const auto end = bytes.find("\r\n");
    if (end == bytes.npos) return std::nullopt;
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(end + 2);
    strained = strained || line.size() > 16;
    for (const char c : line)
      if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f) return std::nullopt;
    return line;
  };
  std::string text;
  while (const auto line = lineIn()) {
    const auto digits = std::min(line->find_first_not_of("0123456789abcdefABCDEF"), line->size());
    if (digits == 0 || digits > 16) return std::nullopt;
    if (digits < line->size() && std::string_view("; \t").find((*line)[digits]) == line->npos)
      return std::nullopt;
    strained = strained || digits < line->size();
    const std::size_t size = std::stoull(std::string(line->substr(0, digits)), nullptr, 16);
    if (size == 0) {
      for (auto trailer = lineIn(); trailer; trailer = lineIn()) {
        if (trailer->empty()) return text;
        if (trailer->front() == ' ') return std::nullopt;
        strained = true;
      }
      return std::nullopt;
    }
    if (size > bytes.size() || bytes.substr(size, 2) != "\r\n") return std::nullopt;
    text += bytes.substr(0, size);
    bytes.remove_prefix(size + 2);
  }
  return std::nullopt;
}

// With too little memory it is refused for that, and else read in the same way.
void checkMemory(std::string_view bytes, BodyFrame frame, const Body& whole, std::size_t room) {
  const std::size_t inPlace = std::string().capacity();
  frame.mayHold = [room](std::size_t size) { return size <= room; };
  const Body found = bodyIn(bytes, frame, {bytes.size()});
  if (found.verdict == BodyReader::Verdict::noRoom) return;
  require(found.verdict == whole.verdict && found.text == whole.text);
  require(found.text.size() <= std::max(room, inPlace));
}

void checkBody(std::string_view bytes, std::optional<std::uint64_t> length, unsigned seed) {
  const BodyFrame frame{length, kBodyLimit, kTrailerLimit};
  const Body whole = bodyIn(bytes, frame, {bytes.size()});
  const Body pieces = bodyIn(bytes, frame, piecesOf(bytes.size(), seed));
  require(whole.verdict == pieces.verdict && whole.text == pieces.text);
  checkMemory(bytes, frame, whole, seed * std::size_t{8});
  const bool done = whole.verdict == BodyReader::Verdict::done;
  require(!done || (whole.size == pieces.size && whole.text.size() <= kBodyLimit));
  if (length) return require(!done || whole.text == bytes.substr(0, *length));
  bool strained = false;
  const auto text = joined(bytes, strained);
  require(!done || text == whole.text);
  require(done || strained || !text || text->size() > kBodyLimit);
}

std::vector<std::string> segmentsOf(std::string_view path) {
  std::vector<std::string> segments;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    segments.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return segments;
}

// Whether the route's pattern is the path's, and what its names stand for.
bool fits(const Route& route, const std::vector<std::string>& path,
          const std::map<std::string, std::string>& params) {
  const auto pattern = segmentsOf(route.path);
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool named = pattern[i].starts_with(':');
    if (!named && pattern[i] != path[i]) return false;
    if (named && params.at(pattern[i].substr(1)) != percentDecoded(path[i])) return false;
  }
  return true;
}

void checkRoute(const std::string& method, std::string path) {
  static const Routes routes;
  static const Dispatcher dispatcher(routes.table);
  const auto decoded = percentDecoded(path);
  if (!decoded) return;
  require(decoded->size() <= path.size());
  const Match match = dispatcher.find(method, path);
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto segments = segmentsOf(path);
  require(!match.route || fits(match.route->route, segments, match.params));
  require(!match.route || match.allowed.empty());
  // A path without a name in it is that route, whatever comes.
  for (const char* plain : kPaths)
    if (path == plain && (method == "GET" || method == "HEAD" || method == "POST"))
      require(match.route && match.route->route.path == plain);
}

struct Clock final : IClock {
  TimePoint now() const override { return TimePoint(std::chrono::seconds(1'795'257'000)); }
};

// A door that knows nobody.
struct Door {
  Clock clock;
  Database database{DatabaseOptions{}};
  Keyring ring{{toBase64(std::string(32, 'k')), ""}, false};
  Sealer sealer{database, ring};
  Accounts accounts{database, sealer};
  Authentication authentication{database, sealer, accounts, clock};
};

void checkToken(const RequestHead& head, const std::string& query) {
  static const Door door;
  const Secret token = tokenIn(head, query, "apikey").token;
  require(token.reveal().size() <= head.target.size() + kLimits.bytes);
  require(!door.authentication.callerOf(token));
}

void checkQuery(const RequestHead& head) {
  const auto question = std::min(head.target.find('?'), head.target.size());
  const std::string query = head.target.substr(std::min(question + 1, head.target.size()));
  checkToken(head, query);
  for (const char* name : {"token", "instanceName", "", "label"})
    if (const auto value = queryValue(query, name)) require(value->size() <= query.size());
}

void checkAddress(RequestHead head) {
  static const ClientAddress behind({"10.0.0.0/8", "fd00::/8"});
  head.peer = "10.1.2.3";
  const std::string client = behind.of(head);
  require(addressOf(client).has_value() && !ClientAddress::bucketOf(client).empty());
  head.peer = "8.8.8.8";
  require(behind.of(head) == head.peer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned seed = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Head head = headIn(bytes, {bytes.size()});
  const Head pieces = headIn(bytes, piecesOf(bytes.size(), seed));
  require(head.verdict == pieces.verdict && head.size == pieces.size);
  if (head.verdict != HeadScanner::Verdict::done) return 0;
  const RequestHead& request = head.head.request;
  require(request.headers == pieces.head.request.headers);
  checkHead(head);
  checkRoute(request.method, request.target.substr(0, request.target.find('?')));
  checkQuery(request);
  checkAddress(request);
  const auto rest = bytes.substr(head.size);
  if (request.chunked || request.contentLength.value_or(0) > 0)
    checkBody(rest, request.contentLength, seed);
  return 0;
}
