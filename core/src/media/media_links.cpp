#include "media/media_links.hpp"

#include <algorithm>
#include <charconv>

namespace pombo {
namespace {

constexpr std::size_t kIdLength = 32;

std::int64_t secondsOf(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

bool isMediaId(const std::string& text) {
  return text.size() == kIdLength && text.find_first_not_of("0123456789abcdef") == text.npos;
}

MediaId MediaLinks::idOf(const InstanceId& instance, const std::string& mediaKey) const {
  return macOf(nameKey_, instance.value + '\0' + mediaKey).substr(0, kIdLength);
}

std::string MediaLinks::to(const MediaId& id, TimePoint end) const {
  const std::string exp =
      std::to_string(std::min(secondsOf(clock_.now()) + lifetime_.count(), secondsOf(end)));
  return "/media/" + id + "?exp=" + exp + "&sig=" + signatureOf(id, exp);
}

bool MediaLinks::opens(const std::string& id, const std::string& exp,
                       const std::string& sig) const {
  std::int64_t until = 0;
  const char* const end = exp.data() + exp.size();
  const auto [at, error] = std::from_chars(exp.data(), end, until);
  if (error != std::errc() || at != end || !isMediaId(id)) return false;
  return sameSecret(sig, signatureOf(id, exp)) && secondsOf(clock_.now()) < until;
}

std::string MediaLinks::signatureOf(const std::string& id, const std::string& exp) const {
  return macOf(linkKey_, id + '.' + exp);
}

}  // namespace pombo
