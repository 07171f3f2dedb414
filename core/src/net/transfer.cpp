#include "net/transfer.hpp"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <new>

#include "net/method.hpp"

namespace pombo {
namespace {

using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

constexpr std::size_t kHeadLimit = 64 << 10;  // bytes, those of provisional answers among them
constexpr long kConnectMs = 5000;
constexpr std::uint64_t kBufferLeast = 1 << 10;
constexpr std::uint64_t kBufferMost = 16 << 10;
// Over TLS curl holds one to send from, of 64 KiB, for as long as a transfer lasts.
constexpr long kUploadBuffer = 16 << 10;
// Whoever runs many asks for names elsewhere. curl looks at all that it knows after every transfer.
constexpr long kNameSeconds = 2;
constexpr long kIdleSeconds = 60;  // of a connection that is kept

[[noreturn]] void refuse(const std::string& reason) {
  throw NotAllowed(Code::unavailable, "URL is not allowed: " + reason);
}

std::string lowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

List headersOf(const OutgoingRequest& request) {
  for (const auto& [key, value] : request.headers)
    for (const std::string* each : {&key, &value})
      if (each->find_first_of("\r\n\0", 0, 3) != each->npos)
        throw Error(Code::invalid, "A header contains characters that are not allowed");
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  for (const auto& [key, value] : request.headers)  // "key:" would take a header away
    list = curl_slist_append(list, (value.empty() ? key + ";" : key + ": " + value).c_str());
  return List(list, curl_slist_free_all);
}

std::string after(const std::string& mark, const std::string& text) {
  const auto at = text.rfind(mark);
  return at == text.npos ? "" : text.substr(at + mark.size());
}

// Debian's curl looks for certificates in a file and in a folder. With the file alone it is read
// once for all transfers of a multi handle, with the folder for each connection, at 25 ms of the
// processor: both hold the same.
bool hasCertificateFile(CURL* curl) {
  static const bool has = [&] {
    const char* file = nullptr;
    curl_easy_getinfo(curl, CURLINFO_CAINFO, &file);
    return file && ::access(file, R_OK) == 0;
  }();
  return has;
}

constexpr const char* kHeadTooLong = "The head of the answer is too long";

// Why there was no answer. Of TLS curl says more in `detail` than by its code.
std::string sentenceFor(CURLcode code, const std::string& detail) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION: {
      const auto why = after("SSL certificate problem: ", detail);
      return "The certificate is not accepted: " + (why.empty() ? "it is for another host" : why);
    }
    case CURLE_SSL_CONNECT_ERROR: {
      const auto why = after("::", detail);
      return why.empty() ? curl_easy_strerror(code) : "No TLS connection: " + why;
    }
    case CURLE_UNSUPPORTED_PROTOCOL:  // not ours, which is one of two
      return "The answer is not HTTP";
    case CURLE_OUT_OF_MEMORY:  // of a line's: 100 KiB
      return kHeadTooLong;
    default:
      return curl_easy_strerror(code);
  }
}

}  // namespace

struct Transfer::State {
  State(const Egress& guard, std::uint64_t most, List list)
      : egress(guard), limit(most), headers(std::move(list)) {
    if (!curl) throw std::bad_alloc();
  }

  void setTarget(const Url& url) {
    name = url.host;
    port = url.port;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.dialled.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");  // whatever the environment says
    curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    if (hasCertificateFile(curl.get())) curl_easy_setopt(curl.get(), CURLOPT_CAPATH, nullptr);
    for (const auto version : {CURLOPT_SSLVERSION, CURLOPT_PROXY_SSLVERSION})
      curl_easy_setopt(curl.get(), version, long{CURL_SSLVERSION_TLSv1_2});
    for (const auto peer : {CURLOPT_SSL_VERIFYPEER, CURLOPT_PROXY_SSL_VERIFYPEER})
      curl_easy_setopt(curl.get(), peer, 1L);
    for (const auto host : {CURLOPT_SSL_VERIFYHOST, CURLOPT_PROXY_SSL_VERIFYHOST})
      curl_easy_setopt(curl.get(), host, 2L);
  }

  void setProxy(const Proxy& proxy) {
    if (const auto reason = egress.refusalOfProxyAtSight(proxy.host)) refuse(*reason);
    const auto host = hostIn(proxy.host);
    name = *host;
    port = proxy.port;
    isProxy = true;
    // A tunnel is whose credentials have opened it: nobody else's requests go through.
    curl_easy_setopt(curl.get(), CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_FORBID_REUSE, 1L);
    // A name is resolved by a SOCKS proxy itself (socks5h), so that both ends mean the same host.
    const std::string scheme = proxy.protocol == "socks5" ? "socks5h" : proxy.protocol;
    const std::string shown =
        addressOf(*host) && host->find(':') != host->npos ? "[" + *host + "]" : *host;
    curl_easy_setopt(curl.get(), CURLOPT_PROXY,
                     (scheme + "://" + shown + ":" + std::to_string(proxy.port)).c_str());
    if (proxy.username.empty()) return;
    curl_easy_setopt(curl.get(), CURLOPT_PROXYUSERNAME, proxy.username.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROXYPASSWORD, proxy.password.c_str());
  }

  void setRequest(const OutgoingRequest& request, const std::string& userAgent) {
    curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, userAgent.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, wordOf(request.method));
    if (request.method == Method::get && request.body.empty()) return;
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }

  void setAddresses(const std::vector<Address>& all) {
    std::string entry = "+" + name + ":" + std::to_string(port) + ":";
    for (const auto& address : all) {
      if (const auto reason = egress.refusal(name, address, isProxy)) refuse(*reason);
      entry += "[" + textOf(address) + "],";
    }
    entry.pop_back();
    addresses.reset(curl_slist_append(nullptr, entry.c_str()));
    curl_easy_setopt(curl.get(), CURLOPT_RESOLVE, addresses.get());
  }

  void setThrift() {
    const auto size = std::clamp(limit, kBufferLeast, kBufferMost);
    curl_easy_setopt(curl.get(), CURLOPT_BUFFERSIZE, static_cast<long>(size));
    curl_easy_setopt(curl.get(), CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    curl_easy_setopt(curl.get(), CURLOPT_DNS_CACHE_TIMEOUT, kNameSeconds);
    curl_easy_setopt(curl.get(), CURLOPT_MAXAGE_CONN, kIdleSeconds);
  }

  void setTime(std::chrono::milliseconds time) {
    const auto most = static_cast<long>(time.count());
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, most);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, std::min(kConnectMs, most));
    // Otherwise the end waits for a look-up that nobody answers.
    curl_easy_setopt(curl.get(), CURLOPT_QUICK_EXIT, 1L);
  }

  void setCallbacks() {
    curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETFUNCTION, openSocket);
    curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, takeBody);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, takeHeader);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, this);
    curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail.data());
  }

  // The address that is about to be dialled: a name may have changed its mind since it was checked.
  // One that is refused ends all of it; a name is as bad as the worst of its addresses.
  static curl_socket_t openSocket(void* data, curlsocktype, curl_sockaddr* target) {
    auto& self = *static_cast<State*>(data);
    const auto address = addressOf(target->addr);
    if (!self.refused)
      self.refused = address ? self.egress.refusal(self.name, *address, self.isProxy)
                             : Egress::Refusal("reserved address");
    if (self.refused) return CURL_SOCKET_BAD;
    return ::socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol);
  }

  static std::size_t takeBody(char* bytes, std::size_t size, std::size_t count, void* data) {
    auto& self = *static_cast<State*>(data);
    const auto room = self.limit - self.reply.body.size();
    const auto take = std::min<std::uint64_t>(room, size * count);
    self.reply.body.append(bytes, take);
    self.isCut = take < size * count;
    return take;
  }

  static std::size_t takeHeader(char* bytes, std::size_t size, std::size_t count, void* data) {
    auto& self = *static_cast<State*>(data);
    self.headBytes += size * count;
    if (self.headBytes > kHeadLimit) return self.giveUp(kHeadTooLong);
    auto& headers = self.reply.headers;
    const std::string line(bytes, size * count);
    self.headIsWhole = line == "\r\n" || line == "\n";
    if (line.starts_with("HTTP/")) headers.clear();  // what came before was provisional
    const auto colon = line.find(':');
    if (colon == line.npos) return size * count;
    const auto first = line.find_first_not_of(" \t", colon + 1);
    const auto last = line.find_last_not_of(" \t\r\n");
    const std::string key = lowerCase(line.substr(0, colon));
    headers[key] = first == line.npos || last < first ? "" : line.substr(first, last - first + 1);
    // curl would inflate it, which nobody has asked for.
    if (key == "transfer-encoding" && lowerCase(headers[key]) != "chunked")
      return self.giveUp("The answer is encoded in a way that was not asked for");
    return size * count;
  }

  std::size_t giveUp(const char* why) {
    gaveUp = why;
    return 0;  // of as many bytes as there are
  }

  const Egress& egress;
  const std::uint64_t limit;  // bytes of the body
  const List headers;
  List addresses{nullptr, curl_slist_free_all};
  std::string name;  // that leads to the addresses dialled: the URL's host, or the proxy's
  std::uint16_t port = 0;
  bool isProxy = false;
  Egress::Refusal refused;
  bool isCut = false;  // there was more than the limit
  std::size_t headBytes = 0;
  bool headIsWhole = false;
  const char* gaveUp = nullptr;  // why the answer was not heard out
  IncomingReply reply;
  std::array<char, CURL_ERROR_SIZE> detail{};
  // The last: what the others are for must be gone before they are.
  const std::unique_ptr<CURL, void (*)(CURL*)> curl{curl_easy_init(), curl_easy_cleanup};
};

Transfer::Transfer(const Egress& egress, const OutgoingRequest& request,
                   const std::optional<Proxy>& proxy, const std::string& userAgent,
                   std::chrono::milliseconds time)
    : state_(std::make_unique<State>(egress, request.replyLimit, headersOf(request))) {
  const auto url = parseUrl(request.url);
  if (!url) throw NotAllowed(Code::invalid, "URL is not allowed: not an http or https URL");
  if (const auto reason = proxy ? egress.refusal(*url) : egress.refusalAtSight(*url))
    refuse(*reason);
  state_->setTarget(*url);
  if (proxy) state_->setProxy(*proxy);
  state_->setRequest(request, userAgent);
  state_->setTime(time);
  state_->setThrift();
  state_->setCallbacks();
}

Transfer::~Transfer() = default;

const std::string& Transfer::host() const { return state_->name; }

void Transfer::setAddresses(const std::vector<Address>& all) { state_->setAddresses(all); }

void* Transfer::handle() const { return state_->curl.get(); }

IncomingReply Transfer::endOfHead(int ended) {
  long status = 0;  // zero while there is only a proxy's
  curl_easy_getinfo(state_->curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return end(state_->headIsWhole && status >= 200 ? static_cast<int>(CURLE_OK) : ended);
}

IncomingReply Transfer::end(int ended) {
  const auto code = static_cast<CURLcode>(ended);
  long status = 0;
  curl_easy_getinfo(state_->curl.get(), CURLINFO_RESPONSE_CODE, &status);
  state_->reply.status = static_cast<int>(status);
  if (code == CURLE_OK || state_->isCut) return std::move(state_->reply);
  if (state_->refused) refuse(*state_->refused);
  if (state_->gaveUp) throw Error(Code::unavailable, state_->gaveUp);
  long tunnel = 0;  // what a proxy said to CONNECT
  curl_easy_getinfo(state_->curl.get(), CURLINFO_HTTP_CONNECTCODE, &tunnel);
  if (tunnel >= 300)
    throw Error(Code::unavailable, "The proxy answered HTTP " + std::to_string(tunnel));
  throw Error(Code::unavailable, sentenceFor(code, state_->detail.data()));
}

}  // namespace pombo
