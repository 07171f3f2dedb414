#include "perform.hpp"

#include <utility>

#include "perform_message.hpp"

const std::map<std::string_view, Operation>& operations() {
  static const std::map<std::string_view, Operation> all = [] {
    std::map<std::string_view, Operation> every;
    for (auto each : {messageOperations()}) every.merge(std::move(each));
    return every;
  }();
  return all;
}
