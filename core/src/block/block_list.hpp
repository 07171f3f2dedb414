// The blocks of a server, and how a request is cut into what each of them is told.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "block/promises.hpp"
#include "block/standing.hpp"
#include "pombo/block.hpp"

namespace pombo {

struct Block {
  std::string name;
  std::string version = {};
  std::string problem = {};  // why it is not running; empty: it is
  bool flat = false;         // its fields stand in a request without its name before them
  std::chrono::milliseconds budget{15'000};  // of one call
  // Came with this build, or lives in a process of its own, which is killed in time: its calls need
  // not be waited for on another thread, which costs as much as all the rest of a creation.
  bool inPlace = false;
  std::vector<Field> fields = {};
  std::unique_ptr<IHost> host = {};
  std::unique_ptr<IBlockConfigurator> code = {};  // after its host: destroyed first
  std::shared_ptr<Standing> standing = std::make_shared<Standing>(name);
  bool running() const { return problem.empty(); }
};

// Which fields of a create request are whose.
struct Slices {
  std::map<std::string, boost::json::object> fields;  // by block
  std::vector<std::string> warnings;
};

class BlockList {
 public:
  explicit BlockList(Promises promises) : promises_(std::move(promises)) {}

  void add(Block);
  std::vector<Block>& all() { return blocks_; }
  const std::vector<Block>& all() const { return blocks_; }  // in the order they were added in
  const Promises& promises() const { return promises_; }     // one for each of them, and more
  const Block* find(const std::string& name) const;          // null: only promised, if that
  std::vector<std::string> names() const;                    // those only promised come last

  // Every field of `body` but `own` goes to a block or into a warning.
  Slices slice(const boost::json::object& body, const std::vector<std::string>& own) const;
  // Whether the block's switch is off; then nothing of its slice is kept, and the client hears of
  // it.
  bool switchesOff(const std::string& name, Slices&) const;

 private:
  std::string ownerOf(std::string_view field) const;

  Promises promises_;
  std::vector<Block> blocks_;
};

}  // namespace pombo
