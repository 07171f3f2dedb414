#include "http/answer_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pombo {
namespace {

constexpr std::array<std::string_view, 8> kOwnedByEdge = {
    "connection", "content-length",    "date",        "keep-alive", "server",
    "trailer",    "transfer-encoding", "x-request-id"};

// The parts of header names that are not simply capitalised.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSpellings = {
    {{"www", "WWW"}, {"ratelimit", "RateLimit"}, {"etag", "ETag"}, {"websocket", "WebSocket"}}};

std::string_view reason(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 34> kReasons = {{
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  const auto found = std::find_if(kReasons.begin(), kReasons.end(),
                                  [&](const auto& known) { return known.first == status; });
  return found == kReasons.end() ? "Unknown" : found->second;
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string spelled(std::string_view name) {
  std::string text;
  while (true) {
    const auto dash = std::min(name.find('-'), name.size());
    const auto part = name.substr(0, dash);
    const auto special = std::find_if(kSpellings.begin(), kSpellings.end(),
                                      [&](const auto& known) { return known.first == part; });
    if (special != kSpellings.end()) {
      text += special->second;
    } else if (!part.empty()) {
      text += upper(part.front());
      text += part.substr(1);
    }
    if (dash == name.size()) return text;
    text += '-';
    name.remove_prefix(dash + 1);
  }
}

// A CR or LF would let a value write headers, or whole answers, of its own.
bool staysInLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
  });
}

bool isName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string_view::npos;
  });
}

void add(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

std::string connection(const Answer& answer, const AnswerFrame& frame) {
  std::string value;
  if (!frame.keepAlive) value = "close";
  if (frame.keepAlive && frame.http10) value = "keep-alive";
  // RFC 9110, 7.8: "Upgrade" is for this hop, and must say so.
  if (answer.headers.contains("upgrade")) value += value.empty() ? "Upgrade" : ", Upgrade";
  return value;
}

}  // namespace

std::string httpDate(std::time_t when) {
  // Not strftime's %a and %b: those speak the locale's language.
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  std::array<char, 24> rest{};
  const auto length = std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &utc);
  std::array<char, 8> day{};
  const auto dayLength = std::strftime(day.data(), day.size(), ", %d ", &utc);
  return std::string(kDays.at(static_cast<std::size_t>(utc.tm_wday))) +
         std::string(day.data(), dayLength) + kMonths.at(static_cast<std::size_t>(utc.tm_mon)) +
         std::string(rest.data(), length);
}

bool allowsBody(int status) { return status >= 200 && status != 204 && status != 304; }

std::uint64_t contentLength(const Answer& answer) {
  return answer.file ? answer.file->size : answer.body.size();
}

std::string writeAnswerHead(const Answer& answer, const AnswerFrame& frame) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  head += reason(answer.status);
  head += "\r\n";
  for (const auto& [name, value] : answer.headers) {
    const bool owned =
        std::find(kOwnedByEdge.begin(), kOwnedByEdge.end(), name) != kOwnedByEdge.end();
    if (!owned && isName(name) && staysInLine(value)) add(head, spelled(name), value);
  }
  if (answer.file && !answer.headers.contains("content-type") &&
      staysInLine(answer.file->mimeType) && !answer.file->mimeType.empty()) {
    add(head, "Content-Type", answer.file->mimeType);
  }
  if (allowsBody(answer.status)) {
    add(head, "Content-Length", std::to_string(contentLength(answer)));
  }
  if (const auto value = connection(answer, frame); !value.empty()) add(head, "Connection", value);
  add(head, "Date", frame.date);
  add(head, "Server", "Pombo");
  if (staysInLine(frame.requestId)) add(head, "X-Request-Id", frame.requestId);
  head += "\r\n";
  return head;
}

}  // namespace pombo
