#include "process/shards.hpp"

#include <algorithm>
#include <thread>

namespace pombo {
namespace {

using namespace std::chrono_literals;

// Before its end, as far as that can be told: what ends a process is noticed a moment later.
constexpr auto kAtWork = 3s;
// Of one death, and in all: a process is dear, and not all that was at work is to blame.
constexpr std::size_t kMostSuspects = 4, kMostAlone = 16;

}  // namespace

Shards::Shards(Isolation isolation, int processes, Tell tell)
    : isolation_(std::move(isolation)), processes_(processes), tell_(std::move(tell)) {
  for (int i = 0; i < processes_; ++i) launch(add());
}

Shards::~Shards() { stop(); }

int Shards::add() {
  const std::lock_guard lock(mutex_);
  shards_.push_back(std::make_unique<Shard>());
  return static_cast<int>(shards_.size()) - 1;
}

Shards::Shard& Shards::at(int process) const {
  const std::lock_guard lock(mutex_);
  return *shards_[static_cast<std::size_t>(process)];
}

void Shards::launch(int process) {
  Isolation isolation = isolation_;
  isolation.process = processes_ > 1 || process > 0 ? process + 1 : 0;
  auto block = std::make_unique<RemoteBlock>(
      isolation, [this, process](RemoteBlock::Fate fate) { told(process, fate); });
  Shard& shard = at(process);
  const std::lock_guard lock(mutex_);
  shard.block = std::move(block);
}

void Shards::open(int process) {
  Shard& shard = at(process);
  const bool single = processes_ == 1 && process == 0;
  shard.host = std::make_unique<ShardHost>(
      *host_, *gauges_,
      ShardHost::Place{.process = process,
                       .single = single,
                       .active = [this, process](const InstanceId& id) { note(process, id); }});
  shard.block->start(*shard.host);
  auto& block = static_cast<IBlockConfigurator&>(*shard.block);
  if (!single && (!block.connector() || block.enricher() || block.proxies()))
    throw Error(Code::unsupported, "A block in several processes is a connector, and no more");
  const std::lock_guard lock(mutex_);
  shard.isOpen = true;
}

void Shards::start(IHost& host) {
  host_ = &host;
  gauges_ = std::make_unique<ShardGauges>(host.metrics());
  try {
    for (int i = 0; i < processes_; ++i) open(i);
  } catch (...) {
    stop();  // some of several may be up
    throw;
  }
}

// Each has links to close, and time of its own for it. Once more for what one that ended just then
// has made for an instance: there are no others, when all of the first have ended.
void Shards::stop() noexcept {
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<RemoteBlock*> blocks;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto& shard : shards_)
        if (shard->block) blocks.push_back(shard->block.get());
    }
    std::vector<std::thread> stopping;
    for (RemoteBlock* const block : blocks) try {
        stopping.emplace_back([block] { block->stop(); });
      } catch (const std::system_error&) {  // there are no more threads
        block->stop();
      }
    for (auto& each : stopping) each.join();
  }
}

std::optional<std::string> Shards::health() {
  std::vector<std::pair<int, RemoteBlock*>> all;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < shards_.size(); ++i)
      if (shards_[i]->isOpen) all.emplace_back(static_cast<int>(i) + 1, shards_[i]->block.get());
  }
  std::optional<std::string> first, failed;
  for (const auto& [number, block] : all) {
    const auto said = block->health();
    if (number == 1) first = said;
    if (!said || !said->starts_with("fail: ")) continue;
    const std::string what = "process " + std::to_string(number) + ": " + said->substr(6);
    failed = failed ? *failed + "; " + what : "fail: " + what;
  }
  return failed && all.size() > 1 ? failed : first;
}

int Shards::placeOf(const InstanceId& id, const std::map<InstanceId, int>& alone, int processes) {
  if (const auto own = alone.find(id); own != alone.end()) return own->second;
  return static_cast<int>(std::hash<std::string>()(id.value) % static_cast<unsigned>(processes));
}

int Shards::processOf(const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  return placeOf(id, alone_, processes_);
}

IConnector& Shards::linker(const Instance& instance) {
  const int process = processOf(instance.id);
  note(process, instance.id);
  return *static_cast<IBlockConfigurator&>(*at(process).block).connector();
}

void Shards::note(int process, const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  Shard& shard = *shards_[static_cast<std::size_t>(process)];
  shard.active[id] = Peer::Clock::now();
  shard.known.insert(id);
}

// The folder is all processes': where its own is given up, another can delete what it has kept.
void Shards::forget(const Instance& instance) {
  const int process = processOf(instance.id);
  {
    const std::lock_guard lock(mutex_);
    Shard& shard = *shards_[static_cast<std::size_t>(process)];
    shard.active.erase(instance.id);
    shard.known.erase(instance.id);
    alone_.erase(instance.id);
  }
  try {
    at(process).block->forget(instance);
  } catch (const Error&) {
    if (process < processes_) throw;
    of(instance).forget(instance);
  }
}

// The links of whoever it had are gone, also of those that have a process of their own from now on.
void Shards::told(int process, RemoteBlock::Fate fate) {
  if (fate == RemoteBlock::Fate::revived) return tell_(fate, process, nullptr);
  std::map<InstanceId, int> alone;
  {
    const std::lock_guard lock(mutex_);
    alone = alone_;
  }
  gauges_->forget(process);
  const bool isOne = processes_ == 1 && alone.empty();
  tell_(
      fate, process, isOne ? Its() : [process, alone, all = processes_](const InstanceId& id) {
        return placeOf(id, alone, all) == process;
      });
  if (fate == RemoteBlock::Fate::ended)
    for (const auto& id : suspectsOf(process))
      if (!separate(process, id)) break;
}

// Who was at work at this end and at the one before it, the last first; never all that it has,
// because there has to be somebody to be saved from them.
std::vector<InstanceId> Shards::suspectsOf(int process) {
  const std::lock_guard lock(mutex_);
  Shard& shard = *shards_[static_cast<std::size_t>(process)];
  const auto now = Peer::Clock::now();
  std::vector<std::pair<Peer::Deadline, InstanceId>> both;
  std::set<InstanceId> atWork;
  for (const auto& [id, last] : shard.active) {
    if (now - last > kAtWork) continue;
    atWork.insert(id);
    if (shard.suspects.contains(id)) both.emplace_back(last, id);
  }
  const bool inARow = now - shard.ended < isolation_.within;
  const std::size_t others = shard.known.empty() ? 0 : shard.known.size() - 1;
  const std::size_t room = kMostAlone - std::min(kMostAlone, alone_.size());
  shard.active.clear();
  shard.suspects = std::move(atWork);
  shard.ended = now;
  if (!inARow || process >= processes_ || stopping_) return {};
  std::sort(both.rbegin(), both.rend(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  both.resize(std::min({both.size(), others, kMostSuspects, room}));
  std::vector<InstanceId> all;
  for (const auto& [last, id] : both) all.push_back(id);
  return all;
}

// One whose instance was deleted, and which has never failed.
std::optional<int> Shards::spare() const {
  const std::lock_guard lock(mutex_);
  for (auto i = processes_; i < static_cast<int>(shards_.size()); ++i) {
    const Shard& shard = *shards_[static_cast<std::size_t>(i)];
    const bool isTaken = std::any_of(alone_.begin(), alone_.end(),
                                     [&](const auto& each) { return each.second == i; });
    if (shard.isOpen && !isTaken && shard.ended == Peer::Deadline()) return i;
  }
  return std::nullopt;
}

int Shards::makeOne() {
  const int process = add();
  try {
    launch(process);
    open(process);
  } catch (...) {
    if (const auto& block = at(process).block) block->stop();
    throw;
  }
  return process;
}

// Whether there may be another: each takes its time, and those that are not to blame wait for it.
bool Shards::separate(int from, const InstanceId& id) try {
  auto process = spare();
  if (!process) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || shards_.size() >= static_cast<std::size_t>(processes_) + kMostAlone)
      return false;
  }
  if (!process) process = makeOne();
  {
    const std::lock_guard lock(mutex_);
    alone_[id] = *process;
    shards_[static_cast<std::size_t>(from)]->known.erase(id);
    shards_[static_cast<std::size_t>(*process)]->known.insert(id);
  }
  host_->log().write(Level::warn, "An instance has a process of its own",
                     {{"instance", id.value}, {"process", *process + 1}});
  return true;
} catch (const std::exception& failure) {
  host_->log().write(Level::error, "An instance has no process of its own",
                     {{"instance", id.value}, {"reason", failure.what()}});
  return false;
}

}  // namespace pombo
