#include "http/authentication.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

#include "http/dispatcher.hpp"

namespace pombo {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string headerOf(const RequestHead& head, const std::string& name) {
  const auto it = head.headers.find(name);
  return it == head.headers.end() ? std::string() : it->second;
}

}  // namespace

// A Basic one is a reverse proxy's business and no token of ours.
std::string bearerIn(const std::string& header) {
  const std::string scheme = "bearer";
  if (header.size() < scheme.size() + 1 || header[scheme.size()] != ' ') return {};
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((header[i] | 0x20) != scheme[i]) return {};
  return trimmed(header.substr(scheme.size() + 1));
}

std::optional<std::string> queryValue(const std::string& query, const std::string& name) {
  for (std::size_t at = 0; at <= query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const std::string pair = query.substr(at, end - at);
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name)
      return percentDecoded(equals < pair.size() ? pair.substr(equals + 1) : "");
    at = end + 1;
  }
  return std::nullopt;
}

FoundToken tokenIn(const RequestHead& head, const std::string& query,
                   const std::string& extraHeader) {
  if (auto token = trimmed(headerOf(head, "token")); !token.empty())
    return {Secret(token), "header token"};
  if (auto token = bearerIn(headerOf(head, "authorization")); !token.empty())
    return {Secret(token), "header authorization"};
  if (!extraHeader.empty())
    if (auto token = trimmed(headerOf(head, extraHeader)); !token.empty())
      return {Secret(token), "header " + extraHeader};
  if (auto token = queryValue(query, "token").value_or(""); !token.empty())
    return {Secret(token), "query"};
  return {};
}

std::optional<Caller> Authentication::callerOf(const Secret& token) const {
  return callerOfHash(hashOf(token));
}

std::string Authentication::hashOf(const Secret& token) const {
  const auto size = token.reveal().size();
  return size == 0 || size > 256 ? std::string() : sealer_.hashOf(token.reveal());
}

std::optional<Caller> Authentication::callerOfHash(const std::string& hash) const {
  if (hash.empty()) return std::nullopt;
  return database_.read([&](Session& session) -> std::optional<Caller> {
    if (auto account = accounts_.findByTokenHash(session, hash, clock_.now()))
      return account->enabled ? std::optional(Caller{*account, std::nullopt}) : std::nullopt;
    const auto instance = InstanceStore::findByTokenHash(session, hash);
    if (!instance) return std::nullopt;
    const auto account = Accounts::find(session, instance->account);
    if (!account || !account->enabled) return std::nullopt;
    return Caller{*account, instance};
  });
}

ClientAddress::ClientAddress(const std::vector<std::string>& trustedProxies) {
  for (const auto& entry : trustedProxies) {
    const auto cidr = cidrOf(entry);
    if (!cidr) throw std::runtime_error("http.trustedProxies: '" + entry + "' is not a CIDR");
    trusted_.push_back(*cidr);
  }
}

bool ClientAddress::isTrusted(const std::string& address) const {
  const auto parsed = addressOf(address);
  return parsed && std::any_of(trusted_.begin(), trusted_.end(),
                               [&](const Cidr& cidr) { return cidr.contains(*parsed); });
}

std::string ClientAddress::of(const RequestHead& head) const {
  std::string client = head.peer;
  const std::string forwarded = headerOf(head, "x-forwarded-for");
  // From the right: every hop that is ours has told the truth about the one before it.
  auto end = forwarded.size();
  while (isTrusted(client) && end > 0 && end != forwarded.npos) {
    const auto comma = forwarded.rfind(',', end - 1);
    const auto first = comma == forwarded.npos ? 0 : comma + 1;
    const std::string hop = trimmed(forwarded.substr(first, end - first));
    if (!addressOf(hop)) break;
    client = hop;
    end = comma == forwarded.npos ? 0 : comma;
  }
  return client;
}

std::string ClientAddress::bucketOf(const std::string& address) {
  auto parsed = addressOf(address);
  static const Cidr mapped = *cidrOf("0.0.0.0/0");
  if (!parsed || mapped.contains(*parsed)) return address;
  std::fill(parsed->s6_addr + 8, parsed->s6_addr + 16, std::uint8_t{0});
  char text[INET6_ADDRSTRLEN]{};
  ::inet_ntop(AF_INET6, &*parsed, text, sizeof text);
  return std::string(text) + "/64";
}

}  // namespace pombo
