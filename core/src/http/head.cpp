#include "http/head.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace pombo {
namespace {

using Verdict = HeadScanner::Verdict;

enum Kind : unsigned { kToken = 1, kTarget = 2, kValue = 4, kHost = 8 };

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool oneOf(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

std::array<unsigned char, 256> kinds() {
  std::array<unsigned char, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    const auto c = static_cast<char>(i);
    const bool plain = isDigit(c) || isAlpha(c);
    unsigned kind = 0;
    if (plain || oneOf("!#$%&'*+-.^_`|~", c)) kind |= kToken;
    if (plain || oneOf("-._~!$&'()*+,;=%", c)) kind |= kHost;
    if (i > ' ' && i != 0x7f) kind |= kTarget;
    if ((i >= ' ' && i != 0x7f) || c == '\t') kind |= kValue;
    table[i] = static_cast<unsigned char>(kind);
  }

  return table;
}

bool is(char c, unsigned kind) {
  static const auto kTable = kinds();
  return (kTable[static_cast<unsigned char>(c)] & kind) != 0;
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && oneOf(" \t", text.front())) text.remove_prefix(1);
  while (!text.empty() && oneOf(" \t", text.back())) text.remove_suffix(1);
  return text;
}

// Whether a header that is a comma-separated list names `token`.
bool lists(const Headers& headers, const std::string& name, std::string_view token) {
  const auto found = headers.find(name);
  if (found == headers.end()) return false;
  std::string_view rest = found->second;
  while (true) {
    const auto comma = rest.find(',');
    if (same(trimmed(rest.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
}

bool isPort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (text.size() <= 5 && isDigit(text.front()) && error == std::errc{} &&
                          end == text.data() + text.size() && port <= 65535);
}

// host [":" port], as RFC 3986 has it, but for names that no resolver would take.
bool isHostAndPort(std::string_view text) {
  std::string_view host;
  if (text.substr(0, 1) == "[") {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return false;
    in6_addr address{};
    const std::string inside(text.substr(1, bracket - 1));
    if (::inet_pton(AF_INET6, inside.c_str(), &address) != 1) return false;
    host = text.substr(0, bracket + 1);
  } else {
    host = text.substr(0, text.find(':'));
    if (!std::all_of(host.begin(), host.end(), [](char c) { return is(c, kHost); })) return false;
  }
  const auto rest = text.substr(host.size());
  return !host.empty() && (rest.empty() || (rest.front() == ':' && isPort(rest.substr(1))));
}

std::optional<std::uint64_t> lengthOf(std::string_view text) {
  constexpr std::size_t kDigits = 19;
  if (text.empty() || text.size() > kDigits) return {};
  if (!std::all_of(text.begin(), text.end(), isDigit)) return {};
  std::uint64_t length = 0;
  for (const char c : text) length = length * 10 + static_cast<std::uint64_t>(c - '0');
  if (length > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return {};
  return length;
}

// Leaves "/path?query"; `authority` gets what an absolute target says before it.
bool reduce(std::string& target, std::string& authority) {
  if (target.front() == '/') return true;
  const auto colon = target.find("://");
  if (colon == std::string::npos) return false;
  const auto scheme = std::string_view(target).substr(0, colon);
  if (!same(scheme, "http") && !same(scheme, "https")) return false;
  const auto path = std::min(target.find_first_of("/?", colon + 3), target.size());
  authority = target.substr(colon + 3, path - colon - 3);
  target.erase(0, path);
  if (target.empty() || target.front() != '/') target.insert(0, 1, '/');
  return isHostAndPort(authority);
}

}  // namespace

Verdict HeadScanner::scan(std::string_view bytes) {
  const auto seen = bytes.substr(0, limits_.bytes);
  while (at_ < seen.size()) {
    const auto verdict = step(seen);
    if (verdict != Verdict::more) return verdict;
  }
  return bytes.size() > limits_.bytes ? Verdict::tooLarge : Verdict::more;
}

ScannedHead HeadScanner::take() {
  auto head = std::move(head_);
  *this = HeadScanner(limits_);
  return head;
}

Verdict HeadScanner::step(std::string_view seen) {
  switch (state_) {
    case State::method:
      return inMethod(seen);
    case State::target:
      return inTarget(seen);
    case State::version:
      return inVersion(seen);
    case State::requestLine:
      return atRequestLineEnd(seen);
    case State::line:
      return atLine(seen[at_]);
    case State::name:
      return inName(seen);
    case State::value:
      return inValue(seen);
    case State::header:
      return atHeaderEnd(seen);
    case State::end:
      return atHeadEnd(seen);
  }
  return Verdict::malformed;
}

void HeadScanner::skip(std::string_view seen, unsigned kind) {
  while (at_ < seen.size() && is(seen[at_], kind)) ++at_;
}

Verdict HeadScanner::inMethod(std::string_view seen) {
  skip(seen, kToken);
  if (at_ == seen.size()) return Verdict::more;
  if (seen[at_] != ' ' || at_ == mark_) return Verdict::malformed;
  head_.request.method = marked(seen);
  if (head_.request.method == "CONNECT") return Verdict::malformed;
  mark_ = ++at_;
  state_ = State::target;
  return Verdict::more;
}

Verdict HeadScanner::inTarget(std::string_view seen) {
  skip(seen, kTarget);
  if (at_ == seen.size()) return Verdict::more;
  if (seen[at_] != ' ' || at_ == mark_) return Verdict::malformed;
  head_.request.target = marked(seen);
  mark_ = ++at_;
  state_ = State::version;
  return Verdict::more;
}

Verdict HeadScanner::inVersion(std::string_view seen) {
  constexpr std::string_view kPattern = "HTTP/d.d\r";
  for (; at_ < seen.size() && state_ == State::version; ++at_) {
    const char wanted = kPattern[at_ - mark_];
    const char c = seen[at_];
    if (wanted == 'd' ? !isDigit(c) : c != wanted) return Verdict::malformed;
    if (wanted == '\r') state_ = State::requestLine;
  }
  return Verdict::more;
}

Verdict HeadScanner::atRequestLineEnd(std::string_view seen) {
  if (seen[at_] != '\n') return Verdict::malformed;
  const auto version = seen.substr(mark_ + 5, 3);
  // Before the target, for the "*" in the preface of HTTP/2.
  if (version != "1.0" && version != "1.1") return Verdict::versionUnknown;
  head_.http10 = version == "1.0";
  if (!reduce(head_.request.target, authority_)) return Verdict::malformed;
  mark_ = ++at_;
  state_ = State::line;
  return Verdict::more;
}

Verdict HeadScanner::atLine(char first) {
  if (first == '\r') {
    ++at_;
    state_ = State::end;
    return Verdict::more;
  }
  if (count_++ == limits_.headers) return Verdict::tooLarge;
  state_ = State::name;
  return Verdict::more;
}

Verdict HeadScanner::inName(std::string_view seen) {
  skip(seen, kToken);
  if (at_ == seen.size()) return Verdict::more;
  if (seen[at_] != ':' || at_ == mark_) return Verdict::malformed;
  name_ = marked(seen);
  std::transform(name_.begin(), name_.end(), name_.begin(), lower);
  mark_ = ++at_;
  state_ = State::value;
  return Verdict::more;
}

Verdict HeadScanner::inValue(std::string_view seen) {
  skip(seen, kValue);
  if (at_ == seen.size()) return Verdict::more;
  if (seen[at_] != '\r') return Verdict::malformed;
  const auto verdict = addHeader(std::string(trimmed(marked(seen))));
  ++at_;
  state_ = State::header;
  return verdict;
}

Verdict HeadScanner::addHeader(std::string value) {
  auto& request = head_.request;
  const auto [entry, fresh] = request.headers.try_emplace(name_, value);
  const bool framing = name_ == "content-length" || name_ == "transfer-encoding";
  // Which of two would count is what request smuggling is made of.
  if (!fresh && (framing || name_ == "host")) return Verdict::malformed;
  if (!fresh) entry->second += ", " + value;
  if (name_ == "content-length") {
    request.contentLength = lengthOf(value);
    if (!request.contentLength) return Verdict::malformed;
  }
  if (name_ == "transfer-encoding") {
    request.chunked = same(value, "chunked");
    if (!request.chunked) return Verdict::malformed;
  }
  if (name_ == "host" && !isHostAndPort(value)) return Verdict::malformed;
  return Verdict::more;
}

Verdict HeadScanner::atHeaderEnd(std::string_view seen) {
  if (seen[at_] != '\n') return Verdict::malformed;
  mark_ = ++at_;
  state_ = State::line;
  return Verdict::more;
}

Verdict HeadScanner::atHeadEnd(std::string_view seen) {
  auto& request = head_.request;
  if (seen[at_++] != '\n') return Verdict::malformed;
  if (!head_.http10 && !request.headers.contains("host")) return Verdict::malformed;
  if (request.chunked && (head_.http10 || request.contentLength)) return Verdict::malformed;
  // RFC 9112, 3.2.2: the target's own authority is the one that counts.
  if (!authority_.empty()) request.headers["host"] = authority_;
  head_.keepAlive = head_.http10 ? lists(request.headers, "connection", "keep-alive") &&
                                       !lists(request.headers, "connection", "close")
                                 : !lists(request.headers, "connection", "close");
  head_.expectContinue = !head_.http10 && lists(request.headers, "expect", "100-continue");
  request.upgrade = !head_.http10 && lists(request.headers, "connection", "upgrade") &&
                    lists(request.headers, "upgrade", "websocket");
  return Verdict::done;
}

}  // namespace pombo
