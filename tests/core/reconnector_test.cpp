#include "instance/reconnector.hpp"

#include <gtest/gtest.h>

#include "temp_gateway.hpp"

namespace pombo {
namespace {

// Keeps who was to be linked again.
class RecordingConnector final : public IConnector {
 public:
  Link connect(const Instance&, const LinkRequest&) override { return {}; }
  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    std::lock_guard lock(mutex_);
    linked_.push_back(instance.name);
    changed_.notify_all();
    if (instance.name == "b") throw Error(Code::invalid, "There is no session");
  }
  void disconnect(const Instance&) override {}
  void logout(const Instance&) override {}
  Profile profile(const Instance&) override { return {}; }
  Json perform(const Instance&, const std::string&, const Json&) override { return nullptr; }
  Media media(const Instance&, const std::string&) override { return {}; }

  // Once there are so many; what there is after a minute.
  std::vector<std::string> linked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::minutes(1), [&] { return linked_.size() >= count; });
    return linked_;
  }

 private:
  std::mutex mutex_;  // guards linked_
  std::condition_variable changed_;
  std::vector<std::string> linked_;
};

class ReconnectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.add("links").connects = &connector_;
    gateway_.add("other").connects = &other_;
    gateway_.start();
    for (const auto& [name, status, connector] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"a", "connected", "links"},
             {"b", "connecting", "links"},
             {"c", "disconnected", "links"},
             {"d", "loggedout", "links"},
             {"e", "connected", "other"},
             {"f", "connected", "links"}}) {
      const auto made = gateway_.create({{"name", name}});
      gateway_.store.database().commit([&](Session& session) {
        session.run("UPDATE instance SET status = :s, connector = :c WHERE id = :id",
                    {status, connector, made.instance.id.value});
      });
    }
  }

  RecordingConnector connector_, other_;
  TempGateway gateway_;
};

TEST_F(ReconnectorTest, LinksWhatWasLinkedByThisConnectorAndGoesOnAfterAFailure) {
  Reconnector reconnector(gateway_.instances, gateway_.registry, gateway_.log,
                          std::chrono::milliseconds(1));
  reconnector.reconnect("other");  // nobody listens yet
  reconnector.start();
  reconnector.reconnect("links");
  EXPECT_EQ(connector_.linked(3), (std::vector<std::string>{"a", "b", "f"}));
  reconnector.reconnect("other");
  EXPECT_EQ(other_.linked(1), std::vector<std::string>{"e"});
  reconnector.stop();
  EXPECT_EQ(connector_.linked(3).size(), 3u);
}

TEST_F(ReconnectorTest, TakesItsTimeAndLeavesTheRestWhenItIsStopped) {
  Reconnector reconnector(gateway_.instances, gateway_.registry, gateway_.log,
                          std::chrono::hours(1));
  reconnector.start();
  reconnector.reconnect("links");
  EXPECT_EQ(connector_.linked(1), std::vector<std::string>{"a"});
  reconnector.stop();
  EXPECT_EQ(connector_.linked(1), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace pombo
