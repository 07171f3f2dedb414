// The blocks that are loaded, and those that are only promised: the one place that calls them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "block/block_host.hpp"
#include "block/promises.hpp"

namespace pombo {

struct Block {
  std::string name;
  std::string version = {};
  std::string problem = {};  // why it is not running; empty: it is
  bool flat = false;         // its fields stand in a request without its name before them
  std::vector<Field> fields = {};
  std::unique_ptr<IHost> host = {};
  std::unique_ptr<IBlockConfigurator> code = {};  // after its host: destroyed first
  bool running() const { return problem.empty(); }
};

// Which fields of a create request are whose.
struct Slices {
  std::map<std::string, boost::json::object> fields;  // by block
  std::vector<std::string> warnings;
};

class Registry {
 public:
  Registry(Promises, Log&, Metrics&);
  ~Registry();

  // In the order of the configuration file, before start().
  void add(Block);
  // Starts every block; what throws is kept as its problem.
  void start();
  void stop() noexcept;

  const std::vector<Block>& blocks() const { return blocks_; }
  const Promises& promises() const { return promises_; }
  const Block* find(const std::string& name) const;

  // Every field of `body` but `own` goes to a block or into a warning.
  Slices slice(const boost::json::object& body, const std::vector<std::string>& own) const;
  // Hands each block its fields, in the order of the configuration file; failures become part of
  // the draft. Stops early when a reservation failed: look at the draft.
  void configure(const Instance&, Slices&, BlockStore&, Draft&);
  // Warns of what BlockStore::write() could not keep.
  void report(const Instance&, const std::vector<BlockFailure>&);
  // Tells every block that the instance is going; failures are logged.
  void forget(const Instance&);

  // Every block's object, under its name: in the order of the wire, then of the file.
  void show(const Instance&, BlockStore&, boost::json::object& into) const;

  // Calls into a block under the one catch: its failure, for a client, or nothing.
  std::optional<std::string> ask(const std::string& block, const std::string& what,
                                 const std::function<void()>& call) const;
  IConnector* connectorNamed(const std::string& name) const;
  std::optional<Proxy> proxyFor(const InstanceId&) const;
  // One entry per block that reports: "ok" or "fail: <reason>".
  std::map<std::string, std::string> health() const;

 private:
  std::string ownerOf(const std::string& field) const;
  void configure(const Block&, const Instance&, const boost::json::object& slice, BlockStore&,
                 Draft&);
  void failed(const Block*, const std::string& name, const Instance&, const std::string& reason);
  Json shownBy(const BlockPromise&, const Instance&, BlockStore&) const;
  bool ignored(const std::string& name, const boost::json::object& slice,
               std::vector<std::string>& warnings) const;

  Promises promises_;  // one for every block, in the order of the keys of an answer
  Log& log_;
  Metrics& metrics_;
  std::vector<Block> blocks_;
};

}  // namespace pombo
