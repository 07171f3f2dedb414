#include "block/guard.hpp"

namespace pombo {

Failure failureOf(ILogger& log, const std::string& what, const std::function<void()>& call) {
  try {
    call();
    return nullptr;
  } catch (const Error& error) {
    // Made anew: the text of what a block threw may be the block's own thread's to free.
    return std::make_shared<const Error>(error.code, std::string(error.what()), error.retryAfter);
  } catch (const std::exception& bug) {
    log.write(Level::error, "Bug in " + what, {{"exception", bug.what()}});
  } catch (...) {
    log.write(Level::error, "Bug in " + what, {{"exception", "not a std::exception"}});
  }
  return std::make_shared<const Error>(Code::internal, "internal error");
}

}  // namespace pombo
