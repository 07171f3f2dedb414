// What a start, a list, a scrape and a deletion cost does not grow with the deliveries there are.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <functional>
#include <numeric>

#include "event/database_event_store.hpp"
#include "event/delivery_list.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

constexpr Millis kNow = 1'795'257'000'000;

// Counts the steps of SQLite's virtual machine, on all connections that are opened while it lives:
// whoever passes by a row makes some.
class Steps {
 public:
  Steps() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch)); }
  ~Steps() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&watch)); }
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  template <class Function>
  std::int64_t of(const Function& function) {
    made_ = 0;
    function();
    return made_;
  }

 private:
  static int watch(sqlite3* connection, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(connection, SQLITE_TRACE_PROFILE, &finished, nullptr);
  }
  static int finished(unsigned, void*, void* statement, void*) {
    made_ +=
        sqlite3_stmt_status(static_cast<sqlite3_stmt*>(statement), SQLITE_STMTSTATUS_VM_STEP, true);
    return 0;
  }
  static inline std::atomic<std::int64_t> made_{0};
};

class EventCosts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testServer()) GTEST_SKIP() << "it counts what SQLite does";
    events_.restore(kNow);
  }
  // So many more in each state; the last are delivered.
  void add(int count) {
    const auto next = [this](DeliveryStatus status, int attempts, int rows) {
      const auto event =
          events_.accept({{.id = "e", .type = "call.update", .instance = {"i-1"}}}, kNow);
      Write write{.at = kNow};
      write.queues.push_back({7, {{"i-1"}, "hook", "default"}});
      write.routings.push_back({event.accepted.at(0).seq, 1, {}, {}});
      Write then{.at = kNow};
      for (int i = 0; i < rows; ++i) {
        PendingDelivery row{.id = ++last_, .place = last_, .event = write.routings[0].event};
        write.routings[0].deliveries.push_back({7, row});
        row.attempts = attempts;
        then.settlements.push_back({.queue = 7, .delivery = row, .status = status, .at = kNow});
      }
      events_.write(write);
      if (attempts > 0) events_.write(then);
    };
    next(DeliveryStatus::pending, 0, count);
    next(DeliveryStatus::pending, 1, count);
    next(DeliveryStatus::dead, 1, count);
    next(DeliveryStatus::delivered, 1, count);
    for (int i = 0; i < count; ++i)
      events_.accept({{.id = "u", .type = "call.update", .instance = {"i-1"}}}, kNow);
  }
  DeliveryFilter pageOf(std::optional<DeliveryStatus> status) const {
    return {.instance = {"i-1"}, .block = "hook", .status = status, .limit = 20};
  }
  // With few and with many.
  void expectTheSame(const std::function<void()>& what) {
    add(50);
    what();  // statements are prepared once
    const auto few = steps_.of(what);
    add(1500);
    const auto many = steps_.of(what);
    EXPECT_GT(few, 0);
    EXPECT_LT(many, few + few / 4);
  }

  Steps steps_;
  TempStore store_;
  DatabaseEventStore events_{store_.database()};
  DeliveryList list_{store_.database()};
  std::int64_t last_ = 0;
};

TEST_F(EventCosts, OfAStart) {
  expectTheSame([&] {
    events_.restore(kNow);
    events_.anchor();
    events_.unrouted(20);
    for (const auto what : {Load::What::firsts, Load::What::retries, Load::What::oldest})
      EXPECT_EQ(events_.load({7, what, 20}).size(), 20u);
  });
}

TEST_F(EventCosts, OfAPageOfTheList) {
  expectTheSame([&] {
    for (const auto status :
         {DeliveryStatus::pending, DeliveryStatus::dead, DeliveryStatus::delivered})
      EXPECT_EQ(list_.newest(pageOf(status)).size(), 20u);
    EXPECT_EQ(list_.newest(pageOf({})).size(), 20u);
  });
}

TEST_F(EventCosts, OfWhatIsKnownByItsId) {
  std::vector<std::int64_t> ids(50);
  std::iota(ids.begin(), ids.end(), 1);
  expectTheSame([&] {
    EXPECT_EQ(list_.find({"i-1"}, "hook", ids).size(), 50u);
    auto wanted = pageOf({});
    wanted.ids = ids;
    EXPECT_EQ(list_.newest(wanted).size(), 20u);
  });
}

TEST_F(EventCosts, OfAScrape) {
  expectTheSame([&] { EXPECT_EQ(list_.counts().at("hook").oldest, kNow); });
}

TEST_F(EventCosts, OfADeletionAndOfEachSliceOfWhatIsLeft) {
  const auto erased = [&] {
    store_.database().commit([](Session& session) { DatabaseEventStore::erase(session, {"i-1"}); });
  };
  add(50);
  erased();
  while (events_.sweep(1000)) continue;
  add(50);
  const auto few = steps_.of(erased);
  const auto slice = steps_.of([&] { events_.sweep(20); });
  while (events_.sweep(1000)) continue;
  add(1500);
  EXPECT_LT(steps_.of(erased), few + few / 4);
  EXPECT_LT(steps_.of([&] { events_.sweep(20); }), slice + slice / 4);
}

}  // namespace
}  // namespace pombo
