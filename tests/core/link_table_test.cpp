// Every state of an instance, and all that may happen to it: a table of what it is then.
#include "linker_test.hpp"

namespace pombo {
namespace {

using Cause = std::function<void(const Instance&)>;

const std::vector<std::string> kStates{"disconnected", "connecting", "connected", "loggedout",
                                       "banned"};

struct Row {
  std::string cause;
  std::vector<std::string> after;  // in the order of kStates; empty: as it was
};

const std::string D = "disconnected", C = "connecting", U = "connected", L = "loggedout",
                  B = "banned";

class LinkTable : public LinkerTest {
 protected:
  Cause toldOf(const Json& data) {
    return [this, data](const Instance& instance) {
      publish({{.type = "instance.state", .instance = instance.id, .data = data}});
    };
  }
  Cause connecting(const std::function<Link(const Instance&)>& answer) {
    return [this, answer](const Instance& instance) {
      connector_.onConnect = [&](const Instance& each, const LinkRequest&) { return answer(each); };
      refusal([&] { linker_.connect(instance, {}, [](const Link*, const Error*) {}); });
    };
  }
  Cause reopening(bool resume, std::optional<Code> failure) {
    return [this, resume, failure](const Instance& instance) {
      connector_.onReconnect = [&](const Instance&) {
        if (failure) throw Error(*failure, "no");
      };
      refusal([&] {
        if (resume)
          linker_.resume(instance.id);
        else
          linker_.reconnect(instance);
      });
    };
  }
  std::map<std::string, Cause> causes() {
    return {
        {"a code", connecting([](const Instance&) {
           return Link{Link::Kind::qr, "2@a"};
         })},
        {"a promise", connecting([](const Instance&) { return Link{Link::Kind::later}; })},
        {"no code", connecting([](const Instance&) -> Link { throw Error(Code::refused, "no"); })},
        {"a link", connecting([this](const Instance& each) {
           tell(each, "connected");
           return Link{Link::Kind::connected};
         })},
        {"reconnect", reopening(false, std::nullopt)},
        {"reconnect without a session", reopening(false, Code::invalid)},
        {"reconnect that is not supported", reopening(false, Code::unsupported)},
        {"reconnect that fails", reopening(false, Code::refused)},
        {"resume", reopening(true, std::nullopt)},
        {"resume without a session", reopening(true, Code::invalid)},
        {"logout", [this](const Instance& each) { linker_.logout(each); }},
        {"logout that fails",
         [this](const Instance& each) {
           connector_.onLogout = [](const Instance&) { throw Error(Code::unavailable, "no"); };
           refusal([&] { linker_.logout(each); });
           connector_.onLogout = [](const Instance&) {};
         }},
        {"a start", [this](const Instance&) { linker_.reset(); }},
        {"a start of its connector", [this](const Instance&) { linker_.reset({"links"}); }},
        {"the end of its connector", [this](const Instance&) { linker_.lose({"links"}); }},
        {"resume that fails in passing", reopening(true, Code::timedOut)},
        {"resume that fails", reopening(true, Code::refused)},
        {"a stop", [this](const Instance&) { linker_.close(Clock::time_point::max()); }},
        {"qr_ready", toldOf({{"state", "qr_ready"}, {"codes", {"2@a"}}})},
        {"pair_success", toldOf({{"state", "pair_success"}, {"jid", "5511@s.whatsapp.net"}})},
        {"connected", toldOf({{"state", "connected"}, {"jid", "5511@s.whatsapp.net"}})},
        {"closed", toldOf({{"state", "disconnected"}, {"reason", "closed"}})},
        {"closed, and at work",
         toldOf({{"state", "disconnected"}, {"reason", "closed"}, {"reconnecting", true}})},
        {"401", toldOf({{"state", "logged_out"}, {"reason", "401: logged out"}})},
        {"406", toldOf({{"state", "logged_out"}, {"reason", "406: banned"}})},
        {"temp_banned", toldOf({{"state", "temp_banned"}, {"expiresAt", nullptr}})},
        {"a ban that is over",
         [this](const Instance& each) {
           if (each.status != B) return;
           const auto end = rfc3339(gateway_.clock.now());
           toldOf({{"state", "temp_banned"}, {"expiresAt", end}})(each);
           gateway_.clock.time += std::chrono::seconds(1);
           linker_.sweep();
         }},
        {"keepalive_timeout", toldOf({{"state", "keepalive_timeout"}})}};
  }
  using Clock = std::chrono::steady_clock;
};

const std::vector<Row>& table() {
  static const std::vector<Row> rows{{"a code", {C, C, U, C, C}},
                                     {"a promise", {C, C, U, C, C}},
                                     {"no code", {D, D, U, L, B}},
                                     {"a link", {U, U, U, U, U}},
                                     {"reconnect", {C, C, C, C, C}},
                                     {"reconnect without a session", {D, C, D, L, B}},
                                     {"reconnect that is not supported", {}},
                                     {"reconnect that fails", {D, D, D, L, B}},
                                     {"resume", {C, C, U, C, C}},
                                     {"resume without a session", {D, C, U, L, B}},
                                     {"logout", {L, L, L, L, L}},
                                     {"logout that fails", {}},
                                     {"a start", {D, C, C, L, B}},
                                     {"a start of its connector", {D, C, C, L, B}},
                                     {"the end of its connector", {D, D, D, L, B}},
                                     {"resume that fails in passing", {C, C, U, L, B}},
                                     {"resume that fails", {D, D, U, L, B}},
                                     {"a stop", {D, D, D, L, B}},
                                     {"qr_ready", {C, C, C, C, C}},
                                     {"pair_success", {C, C, C, C, C}},
                                     {"connected", {U, U, U, U, U}},
                                     {"closed", {D, D, D, D, D}},
                                     {"closed, and at work", {C, C, C, C, C}},
                                     {"401", {L, L, L, L, L}},
                                     {"406", {B, B, B, B, B}},
                                     {"temp_banned", {B, B, B, B, B}},
                                     {"a ban that is over", {D, C, U, L, D}},
                                     {"keepalive_timeout", {}}};
  return rows;
}

TEST_F(LinkTable, EveryCauseLeadsFromEveryStateToTheOneOfTheTable) {
  const auto all = causes();
  EXPECT_EQ(all.size(), table().size());
  for (const auto& [cause, after] : table())
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      const Instance shop = numbered(made(kStates[i]));
      all.at(cause)(shop);
      EXPECT_EQ(statusOf(shop), after.empty() ? kStates[i] : after[i])
          << cause << " of one that was " << kStates[i];
      gateway_.provisioner.remove(shop);
    }
  linker_.drain();
}

}  // namespace
}  // namespace pombo
