#include "process/shards.hpp"

#include <exception>
#include <thread>

#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"

namespace pombo {
namespace {

// How long after an end the next is one in a row, by what the supervisor takes for that: links are
// made again one after the other, and whoever is to blame may be among the last.
constexpr int kInARow = 5;
// In all: each end in a row takes one of these, and halves those who may be to blame.
constexpr std::size_t kMostApart = 24;

// One that takes its time has no part in that of others.
template <class Each, class Work>
void atOnce(std::vector<Each>& all, const Work& work) {
  std::vector<std::thread> threads;
  for (auto& each : all) try {
      threads.emplace_back([&] { work(each); });
    } catch (const std::system_error&) {  // there are no more threads
      work(each);
    }
  for (auto& thread : threads) thread.join();
}

// A process whose health is asked for.
struct Asked {
  std::size_t number;
  RemoteBlock* block;
  std::optional<std::string> said = {};
  std::exception_ptr bug = {};
};

// Within what is left of the request.
void askHealth(Asked& one, const RequestScope* request) {
  std::optional<RequestScope> part;
  if (request) part.emplace(*request, request->deadline());
  try {
    one.said = one.block->health();
  } catch (const Error& failure) {
    one.said = std::string("fail: ") + failure.what();
  } catch (...) {
    one.bug = std::current_exception();  // for whoever logs them, and shows nobody else
  }
}

}  // namespace

Shards::Shards(Isolation isolation, int processes, Tell tell)
    : isolation_(std::move(isolation)),
      processes_(processes),
      tell_(std::move(tell)),
      placement_(processes, kInARow * isolation_.within) {
  for (int i = 0; i < processes_; ++i) launch(add());
}

Shards::~Shards() { stop(); }

int Shards::add() {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (std::exchange(shards_[i]->isFree, false)) return static_cast<int>(i);
  if (shards_.size() >= static_cast<std::size_t>(processes_) + kMostApart)
    throw Error(Code::unavailable, "There are " + std::to_string(kMostApart) + " already");
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
      isolation, [this, process](RemoteBlock::Fate fate) { told(process, fate); },
      [this, process](const InstanceId& id) { return placement_.ask(process, id); });
  Shard& shard = at(process);
  const std::lock_guard lock(mutex_);
  shard.block = std::move(block);
}

void Shards::open(int process) {
  Shard& shard = at(process);
  const bool single = processes_ == 1 && process == 0;
  shard.host = std::make_unique<ShardHost>(
      *host_, *gauges_,
      ShardHost::Place{
          .process = process, .single = single, .active = [this, process](const InstanceId& id) {
            placement_.told(process, id);
          }});
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
    atOnce(blocks, [](RemoteBlock* block) { block->stop(); });
  }
}

std::optional<std::string> Shards::health() {
  std::vector<Asked> all;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < shards_.size(); ++i)
      if (shards_[i]->isOpen) all.push_back({i + 1, shards_[i]->block.get()});
  }
  if (all.size() == 1) return all[0].block->health();
  aboutToWait();
  atOnce(all, [request = RequestScope::current()](Asked& each) { askHealth(each, request); });
  std::optional<std::string> failed;
  for (const auto& each : all) {
    if (each.bug) std::rethrow_exception(each.bug);
    if (!each.said || !each.said->starts_with("fail: ")) continue;
    const std::string what = "process " + std::to_string(each.number) + ": " + each.said->substr(6);
    failed = failed ? *failed + "; " + what : "fail: " + what;
  }
  return failed || all.empty() ? failed : all[0].said;
}

// The folder is all processes': where its own is given up, another can delete what it has kept.
void Shards::forget(const Instance& instance) {
  const int process = placement_.placeOf(instance.id);
  placement_.forget(instance.id);
  try {
    at(process).block->forget(instance);
  } catch (const Error&) {
    if (process < processes_) throw;
    of(instance).forget(instance);
  }
}

// The links of whoever it had are gone, also of those that have another process from now on.
void Shards::told(int process, RemoteBlock::Fate fate) {
  if (fate == RemoteBlock::Fate::revived) return tell_(fate, process, nullptr);
  gauges_->forget(process);
  tell_(fate, process, placement_.itsOf(process));
  const auto leaving = placement_.ended(process, Placement::Clock::now());
  if (fate == RemoteBlock::Fate::ended && !leaving.empty() && separate(process, leaving))
    at(process).block->pardon();
}

int Shards::makeOne() {
  const int process = add();
  try {
    launch(process);
    open(process);
  } catch (...) {
    giveBack(process);
    throw;
  }
  return process;
}

// Of one that did not start: whoever is to leave next may find that it does by then.
void Shards::giveBack(int process) {
  Shard& shard = at(process);
  std::unique_ptr<RemoteBlock> block;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;  // stop() has it in its hands
    block = std::move(shard.block);
  }
  block = nullptr;
  gauges_->remove(process);
  const std::lock_guard lock(mutex_);
  shard.isFree = true;
}

// Both ends of a pair of processes have fewer than there were, so that this comes to an end.
bool Shards::separate(int from, const std::vector<InstanceId>& leaving) {
  const bool isOne = leaving.size() == 1;
  boost::json::object said{{"from", from + 1}, {"instances", leaving.size()}};
  if (isOne) said["instance"] = leaving[0].value;
  try {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
    }
    const auto spare = placement_.takeSpare();
    const int to = spare ? *spare : makeOne();
    placement_.move(leaving, from, to, Placement::Clock::now());
    said["process"] = to + 1;
    host_->log().write(Level::warn,
                       isOne ? "An instance has a process of its own"
                             : "Instances have another process, to find the one that ends it",
                       said);
    return true;
  } catch (const std::exception& failure) {
    said["reason"] = failure.what();
    host_->log().write(Level::error, "Instances have no other process", said);
    return false;
  }
}

}  // namespace pombo
