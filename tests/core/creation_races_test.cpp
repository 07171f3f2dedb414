#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "instance/provisioner.hpp"
#include "provisioner_fixture.hpp"

namespace pombo {
namespace {

// 64 at once, half of them dialling out; how many were made.
int raced(TempGateway& gateway, const std::function<Json(int)>& body, const std::string& refusal) {
  constexpr int kThreads = 16, kEach = 4;
  std::latch start(kThreads);
  std::atomic<int> made{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < kEach; ++i) {
          const std::string said = gateway.refusalOf(body(t * kEach + i));
          if (said.empty())
            ++made;
          else
            EXPECT_EQ(said, refusal);
        }
      });
  }
  return made;
}

class Races : public ProvisionerTest {
 protected:
  Races() {
    dialOut();
    gateway_.start();
  }
  static Json half(int i, const std::string& name) {
    Json request = body(name);
    request.as_object()["betaEnabled"] = i % 2 == 0;
    return request;
  }
};

TEST_F(Races, AQuotaOfTenLetsExactlyTenThrough) {
  gateway_.accounts.set(gateway_.account.id, {.quota = std::optional<std::int64_t>(10)});
  EXPECT_EQ(raced(
                gateway_, [](int i) { return half(i, "n-" + std::to_string(i)); }, kQuota),
            10);
  EXPECT_EQ(gateway_.used(), 10);
  EXPECT_EQ(gateway_.count("instance WHERE status = 'disconnected'"), 10);
  EXPECT_EQ(gateway_.count("instance"), 10);
}

TEST_F(Races, OneNameIsTakenOnce) {
  EXPECT_EQ(raced(
                gateway_, [](int i) { return half(i, "same"); }, kTaken),
            1);
  EXPECT_EQ(gateway_.used(), 1);
  EXPECT_EQ(gateway_.count("instance"), 1);
}

TEST_F(Races, OneTokenIsTakenOnce) {
  const auto body = [](int i) {
    Json request = half(i, "n-" + std::to_string(i));
    request.as_object()["token"] = "one-token";
    return request;
  };
  EXPECT_EQ(raced(gateway_, body, kTaken), 1);
  EXPECT_EQ(gateway_.used(), 1);
}

}  // namespace
}  // namespace pombo
