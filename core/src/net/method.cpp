#include "net/method.hpp"

#include <utility>

namespace pombo {
namespace {

constexpr std::pair<Method, const char*> kMethods[] = {{Method::get, "GET"},
                                                       {Method::post, "POST"},
                                                       {Method::put, "PUT"},
                                                       {Method::patch, "PATCH"},
                                                       {Method::del, "DELETE"}};

}  // namespace

const char* wordOf(Method method) {
  for (const auto& [known, word] : kMethods)
    if (known == method) return word;
  return "";
}

std::optional<Method> methodNamed(const std::string& word) {
  for (const auto& [method, known] : kMethods)
    if (word == known) return method;
  return std::nullopt;
}

}  // namespace pombo
