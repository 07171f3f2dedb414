#include "http/dispatcher.hpp"

#include <pistache/http.h>
#include <pistache/router.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <unordered_map>

#include "net/method.hpp"

namespace pombo {
namespace {

// A run of slashes this long never reaches Pistache's regular expressions; nor does a doubled one.
constexpr std::size_t kLongestPath = 8 * 1024;

constexpr Method kMethods[] = {Method::get, Method::post, Method::put, Method::patch, Method::del};

Pistache::Http::Method theirs(Method method) {
  switch (method) {
    case Method::get:
      return Pistache::Http::Method::Get;
    case Method::post:
      return Pistache::Http::Method::Post;
    case Method::put:
      return Pistache::Http::Method::Put;
    case Method::patch:
      return Pistache::Http::Method::Patch;
    case Method::del:
      return Pistache::Http::Method::Delete;
  }
  return Pistache::Http::Method::Get;
}

// What the handlers that Pistache calls leave behind: it calls them on the thread that asks.
struct Slot {
  const ServedRoute* route = nullptr;
  std::map<std::string, std::string> params;
};
thread_local Slot* slot = nullptr;

// A ResponseWriter must have one; nothing is ever sent through it.
class Nobody final : public Pistache::Http::Handler {
 public:
  HTTP_PROTOTYPE(Nobody)
  void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter) override {}
};

std::vector<std::string> namesIn(const std::string& path) {
  std::vector<std::string> names;
  for (auto at = path.find("/:"); at != path.npos; at = path.find("/:", at + 1))
    names.push_back(path.substr(at + 1, path.find('/', at + 1) - at - 1));
  return names;
}

// What every path of a route has: a beginning, and so many slashes.
struct Shape {
  explicit Shape(const Route& route)
      : method(route.method),
        prefix(route.path.substr(0, route.path.find("/:"))),
        slashes(std::count(route.path.begin(), route.path.end(), '/')) {}

  Method method;
  std::string prefix;
  std::ptrdiff_t slashes;
};

}  // namespace

class Dispatcher::Trees {
 public:
  explicit Trees(const RouteTable& table) {
    using Pistache::Rest::Route;
    // Every method has a tree from the start: routing adds a missing one, on whichever thread.
    for (const auto method :
         {Pistache::Http::Method::Options, Pistache::Http::Method::Head,
          Pistache::Http::Method::Get, Pistache::Http::Method::Post, Pistache::Http::Method::Put,
          Pistache::Http::Method::Patch, Pistache::Http::Method::Delete})
      router_.addRoute(method, "/-/nowhere", [](const auto&, auto) { return Route::Result::Ok; });
    for (const auto& served : table.routes()) {
      const ServedRoute* const route = served.get();
      shapes_.emplace_back(route->route);
      const auto names = namesIn(route->route.path);
      router_.addRoute(theirs(route->route.method), route->route.path,
                       [route, names](const Pistache::Rest::Request& request, auto) {
                         slot->route = route;
                         for (const auto& name : names)
                           slot->params[name.substr(1)] = request.param(name).as<std::string>();
                         return Route::Result::Ok;
                       });
    }
    router_.addNotFoundHandler([](const auto&, auto) { return Route::Result::Ok; });
    for (const auto& served : table.routes()) remember(served->route);
  }

  Slot find(Method method, const std::string& path) {
    const auto& known = known_[indexOf(method)];
    if (const auto it = known.find(path); it != known.end()) return it->second;
    return mayHave(method, path) ? asked(method, path) : Slot();
  }

 private:
  static std::size_t indexOf(Method method) {
    return static_cast<std::size_t>(std::find(std::begin(kMethods), std::end(kMethods), method) -
                                    std::begin(kMethods));
  }

  // A path without parameters is always the same one's: that is asked once.
  void remember(const Route& route) {
    if (route.path.find_first_of(":*") != route.path.npos) return;
    if (Slot found = asked(route.method, route.path); found.route)
      known_[indexOf(route.method)].emplace(route.path, std::move(found));
  }

  Slot asked(Method method, const std::string& path) {
    // The parser is given what we have written, not what the client sent.
    thread_local Pistache::Http::RequestParser parser(kLongestPath + 128);
    const std::string head =
        std::string(wordOf(method)) + " " + path + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    Slot found;
    slot = &found;
    try {
      parser.reset();
      if (parser.feed(head.data(), head.size()) &&
          parser.parse() == Pistache::Http::Private::State::Done)
        router_.route(parser.request, Pistache::Http::ResponseWriter(
                                          Pistache::Http::Version::Http11, nullptr, &nobody_, {}));
    } catch (const std::exception&) {
      // Its own "405" has nowhere to go and throws; what counts is that no handler was called.
      found = {};
    }
    slot = nullptr;
    return found;
  }

  // Pistache's regular expressions take a millisecond for a long path, on a thread that everybody
  // needs, and strangers may ask for such paths all day.
  bool mayHave(Method method, const std::string& path) const {
    const auto slashes = std::count(path.begin(), path.end(), '/');
    return std::any_of(shapes_.begin(), shapes_.end(), [&](const Shape& shape) {
      return shape.method == method && shape.slashes == slashes && path.starts_with(shape.prefix);
    });
  }

  std::array<std::unordered_map<std::string, Slot>, std::size(kMethods)> known_;  // by path
  std::vector<Shape> shapes_;
  Pistache::Rest::Router router_;
  Nobody nobody_;
};

Dispatcher::Dispatcher(const RouteTable& table) : trees_(std::make_unique<Trees>(table)) {}
Dispatcher::~Dispatcher() = default;

Match Dispatcher::find(const std::string& method, const std::string& path) const {
  Match match;
  if (path.size() > kLongestPath || !path.starts_with('/') || path.find("//") != path.npos)
    return match;
  std::string plain = path;
  if (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  const auto known = methodNamed(method == "HEAD" ? "GET" : method);
  if (known) {
    Slot found = trees_->find(*known, plain);
    if (found.route) {
      match.route = found.route;
      for (auto& [name, raw] : found.params) match.params[name] = percentDecoded(raw).value_or("");
      return match;
    }
  }
  for (const auto other : kMethods) {
    if (!trees_->find(other, plain).route) continue;
    match.allowed.emplace_back(wordOf(other));
    if (other == Method::get) match.allowed.emplace_back("HEAD");
  }
  return match;
}

std::optional<std::string> percentDecoded(const std::string& text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain.push_back(text[at]);
      continue;
    }
    if (at + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[at + 1]), low = digit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  return plain;
}

}  // namespace pombo
