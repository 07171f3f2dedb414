#include "net/http_client.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "net/method.hpp"
#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"

namespace pombo {
namespace {

using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// One transfer, as the callbacks of curl see it.
struct Transfer {
  const Egress& egress;
  std::string name;  // that leads to the addresses dialled: the URL's host, or the proxy's
  bool proxy = false;
  std::uint64_t limit = 0;
  std::optional<std::string> refused;
  bool cut = false;  // there was more than the limit
  IncomingReply reply;
};

std::optional<Address> addressIn(const curl_sockaddr& target) {
  char text[INET6_ADDRSTRLEN]{};
  if (target.family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(target.addr).sin_addr, text,
                sizeof text);
  else if (target.family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(target.addr).sin6_addr, text,
                sizeof text);
  return addressOf(text);
}

// The address that is about to be dialled: a name may have changed its mind since it was checked.
curl_socket_t openSocket(void* data, curlsocktype, curl_sockaddr* target) {
  auto& transfer = *static_cast<Transfer*>(data);
  const auto address = addressIn(*target);
  transfer.refused = address ? transfer.egress.refusal(transfer.name, *address, transfer.proxy)
                             : std::optional<std::string>("reserved address");
  if (transfer.refused) return CURL_SOCKET_BAD;
  return ::socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol);
}

std::size_t takeBody(char* bytes, std::size_t size, std::size_t count, void* data) {
  auto& transfer = *static_cast<Transfer*>(data);
  const auto room = transfer.limit - transfer.reply.body.size();
  const auto take = std::min<std::uint64_t>(room, size * count);
  transfer.reply.body.append(bytes, take);
  transfer.cut = take < size * count;
  return take;
}

std::size_t takeHeader(char* bytes, std::size_t size, std::size_t count, void* data) {
  auto& headers = static_cast<Transfer*>(data)->reply.headers;
  std::string line(bytes, size * count);
  if (line.starts_with("HTTP/")) headers.clear();  // what came before was provisional
  const auto colon = line.find(':');
  if (colon == line.npos) return size * count;
  std::string key = line.substr(0, colon);
  for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto first = line.find_first_not_of(" \t", colon + 1);
  const auto last = line.find_last_not_of(" \t\r\n");
  headers[key] = first == line.npos || last < first ? "" : line.substr(first, last - first + 1);
  return size * count;
}

long timeLeft(const OutgoingRequest& request) {
  auto left = request.timeout;
  if (const auto* scope = RequestScope::current())
    left = std::min(left, std::chrono::duration_cast<std::chrono::milliseconds>(
                              scope->deadline() - std::chrono::steady_clock::now()));
  if (left.count() <= 0) throw Error(Code::unavailable, "Timed out");
  return static_cast<long>(left.count());
}

void setProxy(CURL* curl, const Proxy& proxy, Transfer& transfer) {
  // A name is resolved by a SOCKS proxy itself (socks5h), so that both ends mean the same host.
  const std::string scheme = proxy.protocol == "socks5" ? "socks5h" : proxy.protocol;
  const bool bare = proxy.host.find(':') != proxy.host.npos && !proxy.host.starts_with('[');
  const std::string host = bare ? "[" + proxy.host + "]" : proxy.host;
  curl_easy_setopt(curl, CURLOPT_PROXY,
                   (scheme + "://" + host + ":" + std::to_string(proxy.port)).c_str());
  if (!proxy.username.empty()) {
    curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, proxy.username.c_str());
    curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, proxy.password.c_str());
  }
  transfer.name = proxy.host;
  transfer.proxy = true;
}

void setCallbacks(CURL* curl, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, openSocket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, takeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, takeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
}

List headersOf(const OutgoingRequest& request) {
  for (const auto& [key, value] : request.headers)
    if ((key + value).find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
      throw Error(Code::invalid, "A header contains characters that are not allowed");
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  for (const auto& [key, value] : request.headers)  // "key:" would take a header away
    list = curl_slist_append(list, (value.empty() ? key + ";" : key + ": " + value).c_str());
  return List(list, curl_slist_free_all);
}

}  // namespace

void HttpClient::requireAllowed(const std::string& text) {
  const auto url = parseUrl(text);
  if (!url) throw Error(Code::invalid, "URL is not allowed: not an http or https URL");
  if (const auto reason = egress_.refusal(*url))
    throw Error(Code::invalid, "URL is not allowed: " + *reason);
}

void HttpClient::requireAllowedProxy(const std::string& host) {
  if (const auto reason = egress_.refusalOfProxy(host))
    throw Error(Code::invalid, "URL is not allowed: " + *reason);
}

IncomingReply HttpClient::send(const OutgoingRequest& request) {
  const auto url = parseUrl(request.url);
  if (!url) throw Error(Code::invalid, "URL is not allowed: not an http or https URL");
  const Handle handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) throw std::bad_alloc();
  CURL* const curl = handle.get();
  Transfer transfer{egress_, url->host, false, request.replyLimit, {}, false, {}};
  setCallbacks(curl, transfer);
  const auto proxy = request.through && proxyOf_ ? proxyOf_(*request.through) : std::nullopt;
  // Behind a proxy the target is dialled by someone else: what the name says is all there is to
  // see.
  if (url->credentials || proxy) requireAllowed(request.url);
  if (proxy)
    setProxy(curl, *proxy, transfer);
  else
    curl_easy_setopt(curl, CURLOPT_PROXY, "");  // whatever the environment says
  const List headers = headersOf(request);
  curl_easy_setopt(curl, CURLOPT_URL, url->dialled.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTP_TRANSFER_DECODING, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, userAgent_.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, wordOf(request.method));
  if (request.method != Method::get || !request.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeLeft(request));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, std::min(5000L, timeLeft(request)));
  aboutToWait();
  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<int>(status);
  if (transfer.refused) throw Error(Code::unavailable, "URL is not allowed: " + *transfer.refused);
  if (code == CURLE_OK || transfer.cut) return std::move(transfer.reply);
  throw Error(Code::unavailable, curl_easy_strerror(code));
}

}  // namespace pombo
