// The blocks that are loaded, and those that are only promised: the one place that calls them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "block/block_host.hpp"
#include "block/block_list.hpp"
#include "block/block_threads.hpp"

namespace pombo {

class Registry {
 public:
  // Whether a block keeps anything of an instance.
  using Keeps = std::function<bool(const InstanceId&, const std::string& block)>;

  Registry(Promises, Log&, Metrics&, Keeps);
  ~Registry();

  // In the order of the configuration file, before start().
  void add(Block);
  // Starts every block; what throws is kept as its problem.
  void start();
  // Once. How many calls have not ended and never may: then nothing here must be destroyed.
  int stop() noexcept;

  const BlockList& list() const { return list_; }
  const Promises& promises() const { return list_.promises(); }
  const Block* find(const std::string& name) const { return list_.find(name); }

  // Hands each block its fields, in the order of the configuration file; failures become part of
  // the draft. Stops early when a reservation failed: look at the draft. Takes the fields.
  void configure(const Instance&, Slices&, BlockStore&, Draft&);
  // Warns of what BlockStore::write() could not keep.
  void report(const Instance&, const std::vector<BlockFailure>&);
  // Tells every block that the instance is going; failures are logged.
  void forget(const Instance&, Draft&);

  // Every block's object, under its name: in the order of the wire, then of the file.
  void show(const Instance&, BlockStore&, boost::json::object& into) const;

  IConnector* connectorNamed(const std::string& name) const;
  // What its connector knows of it; nothing when there is none, or it fails.
  Profile profileOf(const Instance&) const;
  // Throws Error{unavailable} when its connector is not there.
  Json perform(const Instance&, const std::string& operation, const Json& arguments,
               const std::vector<Media>& files) const;
  Media media(const Instance&, const std::string& mediaKey, std::chrono::milliseconds budget) const;
  // Through its proxy, which is not in the request yet.
  Link connect(const Instance&, LinkRequest, std::chrono::milliseconds budget) const;
  void reconnect(const Instance&) const;
  void disconnect(const Instance&) const;
  void logout(const Instance&, std::chrono::milliseconds budget) const;
  // Throws Error{refused} when whoever knows does not run: nobody is dialled for around a proxy.
  std::optional<Proxy> proxyFor(const InstanceId&) const;
  // Of those that run, by block.
  std::vector<std::pair<std::string, IEnricher*>> enrichers() const;
  // One call into the block's code on behalf of somebody else. It may outlive this.
  Failure call(const std::string& block, const std::string& what, std::chrono::milliseconds budget,
               std::function<void()> run) const;
  // One entry per block that reports, or is in trouble: "ok" or "fail: <reason>".
  std::map<std::string, std::string> health() const;
  void collect(Metrics&) const;  // before a scrape

 private:
  BlockCall callOf(const Block&, const std::string& what, std::function<Json()> run) const;
  BlockCall configuring(const Block&, std::shared_ptr<const Instance>, boost::json::object slice,
                        std::shared_ptr<Draft> part) const;
  void settle(const Block&, const Instance&, const BlockCall&, Draft& part, BlockStore&, Draft&);
  void failed(const std::string& name, const Instance&, const std::string& reason);
  // Through the instance's connector.
  Json callConnector(const Instance&, const std::string& what, std::chrono::milliseconds budget,
                     std::function<Json(IConnector&)> call) const;

  ILogger& logOf(const Block& block) const { return *logs_.at(block.name); }

  BlockList list_;
  Log& log_;
  std::map<std::string, std::unique_ptr<ILogger>> logs_;  // by block: of what core says of it
  Metrics& metrics_;
  const Keeps keeps_;
  mutable BlockThreads threads_;  // last: they are inside of all the above
};

}  // namespace pombo
