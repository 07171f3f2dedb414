#include "instance/limit_store.hpp"

#include <algorithm>

#include "instance/identity.hpp"
#include "observe/clock.hpp"

namespace pombo {

void LimitStore::save() {
  auto changed = limits_.changes(monotonicMilliseconds());
  if (changed.empty()) return;
  // In one order, whoever saves: two servers never wait for each other in a circle.
  std::sort(changed.begin(), changed.end(),
            [](const auto& a, const auto& b) { return a.bucket < b.bucket; });
  try {
    write(changed);
  } catch (...) {
    limits_.changedStill(changed);
    throw;
  }
}

void LimitStore::write(const std::vector<Limits::Saved>& changed) {
  const auto now = milliseconds(clock_.now());
  database_.commit([&](Session& session) {
    for (const auto& window : changed) {
      if (window.calls.empty()) {
        session.run("DELETE FROM rate_window WHERE bucket = :bucket", {window.bucket});
        continue;
      }
      session.run(
          "INSERT INTO rate_window (bucket, calls, saved_at) VALUES (:bucket, :calls, :saved_at) "
          "ON CONFLICT (bucket) DO UPDATE SET calls = excluded.calls, saved_at = excluded.saved_at",
          {window.bucket, serialize(boost::json::value_from(window.calls)), now});
    }
  });
}

void LimitStore::restore() {
  const auto rows = database_.read([](Session& session) {
    return session.rows("SELECT bucket, calls, saved_at FROM rate_window", "ttn");
  });
  const auto now = milliseconds(clock_.now());
  for (const auto& row : rows) {
    Limits::Saved window{row.text(0), {}};
    // Ages are counted from the save; a clock that was set back since then adds nothing to them.
    const auto since = std::max<std::int64_t>(0, now - row.number(2));
    using Calls = std::vector<std::pair<std::int64_t, int>>;
    for (auto [age, count] : boost::json::value_to<Calls>(boost::json::parse(row.text(1))))
      if (age + since < Limits::kWindow) window.calls.emplace_back(age + since, count);
    limits_.restore(window, monotonicMilliseconds());
  }
}

}  // namespace pombo
