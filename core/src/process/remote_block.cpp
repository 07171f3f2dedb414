#include "process/remote_block.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

constexpr auto kHealth = 5s;

}  // namespace

RemoteBlock::RemoteBlock(Isolation isolation, Tell tell, Ask ask)
    : tell_(std::move(tell)),
      ask_(std::move(ask)),
      served_(supervisor_),
      supervisor_(std::move(isolation), *this) {
  declared_ = declarationOf(*supervisor_.launch());
}

RemoteBlock::~RemoteBlock() {
  supervisor_.stop();
  served_.closeSockets();
}

template <class R, class... A>
R RemoteBlock::askToStart(Child& child, const char* name, const A&... arguments) {
  const auto limit = supervisor_.isolation().start;
  return supervisor_.askOf<R>(child, Peer::Clock::now() + limit, limit, name, arguments...);
}

Declared RemoteBlock::declarationOf(Child& child) {
  auto declared = askToStart<Declared>(child, "block.declare");
  const std::lock_guard lock(mutex_);
  if (ready_) return declared;
  child.kill("did not say what it is before it answered");
  throw supervisor_.unavailable(child.epitaph());
}

void RemoteBlock::start(IHost& host) {
  host_ = &host;
  served_.open(host);
  served_.begin();
  const auto child = supervisor_.child();
  sides_ = askToStart<Sides>(*child, "block.start", host.config());
  served_.end();
  supervisor_.up(host);
}

std::optional<std::string> RemoteBlock::health() {
  if (const auto problem = supervisor_.problem()) return "fail: " + *problem;
  return supervisor_.ask<std::optional<std::string>>(kHealth, "block.health");
}

std::vector<std::string> RemoteBlock::protection() const {
  const std::lock_guard lock(mutex_);
  if (confined_) return *confined_;
  return ready_ ? ready_->protection : std::vector<std::string>();
}

void RemoteBlock::furnish(Peer& peer) {
  {
    const std::lock_guard lock(mutex_);
    ready_.reset();
    confined_.reset();
  }
  peer.calls = served_.calls();
  peer.posts = served_.posts();
  peer.posts["ready"] = unpacked<Ready>([this, &peer](const Ready& ready) { greet(peer, ready); });
  peer.posts["confined"] =
      unpacked<std::vector<std::string>>([this](const std::vector<std::string>& by) {
        const std::lock_guard lock(mutex_);
        if (!ready_ && !confined_) confined_ = by;
      });
  peer.posts["refused"] = unpacked<std::string>(
      [&peer](const std::string& why) { peer.hangUp("did not load: " + why); });
}

void RemoteBlock::greet(Peer& peer, const Ready& ready) {
  const auto& expected = supervisor_.isolation();
  const auto differs = [&](const std::string& what, const std::string& theirs,
                           const std::string& ours) {
    if (theirs != ours)
      peer.hangUp("is refused: its " + what + " is \"" + theirs + "\", this gateway needs \"" +
                  ours + "\"");
  };
  differs("protocol", std::to_string(ready.protocol), std::to_string(kProtocol));
  if (!ready.abi.empty()) differs("abi", ready.abi, POMBO_ABI);
  differs("name", ready.name, expected.name);
  differs("version", ready.version, expected.version);
  const std::lock_guard lock(mutex_);
  ready_ = ready;
}

void RemoteBlock::revive(Child& child) {
  const auto declared = declarationOf(child);
  served_.begin();
  const auto sides = askToStart<Sides>(child, "block.start", host_->config());
  auto differences = served_.end();
  if (declared != declared_) differences.push_back("what it can be told has changed");
  if (sides != sides_) differences.push_back("its sides have changed");
  for (const auto& what : differences)
    host_->log().write(Level::warn, "The block declares something else than before",
                       {{"difference", what}});
}

void RemoteBlock::mourn(bool forGood) noexcept {
  served_.endLife();
  served_.closeSockets();
  if (sides_.connector && tell_) tell_(forGood ? Fate::quarantined : Fate::ended);
}

void RemoteBlock::revived() noexcept {
  if (sides_.connector && tell_) tell_(Fate::revived);
}

}  // namespace pombo
