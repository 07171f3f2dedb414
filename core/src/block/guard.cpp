#include "block/guard.hpp"

namespace pombo {

std::optional<std::string> failureOf(ILogger& log, const std::string& what,
                                     const std::function<void()>& call) {
  try {
    call();
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& bug) {
    log.write(Level::error, "Bug in " + what, {{"exception", bug.what()}});
  } catch (...) {
    log.write(Level::error, "Bug in " + what, {{"exception", "not a std::exception"}});
  }
  return "internal error";
}

}  // namespace pombo
