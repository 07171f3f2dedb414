// A program in several processes: each instance is linked by one of them, and whoever ends one
// again and again gets a process of its own.
#pragma once

#include "process/placement.hpp"
#include "process/remote_block.hpp"
#include "process/shard_host.hpp"

namespace pombo {

class Shards final : public IBlockConfigurator, private IConnector {
 public:
  using Its = Placement::Its;
  // What becomes of the process of this number, and so of the links of its instances; of what is
  // started again, nothing more is said. As RemoteBlock::Tell has it.
  using Tell = std::function<void(RemoteBlock::Fate, int process, const Its&)>;

  // Starts them, and asks the first what the block declares; throws Error when it cannot.
  Shards(Isolation, int processes, Tell);
  ~Shards() override;

  std::vector<Field> fields() const override { return first().fields(); }
  std::vector<Field> options() const override { return first().options(); }
  void start(IHost&) override;
  void configure(const Instance& i, const Fields& slice) override { of(i).configure(i, slice); }
  Json summary(const Instance& i) override { return of(i).summary(i); }
  void forget(const Instance&) override;
  std::optional<std::string> health() override;
  void stop() noexcept override;
  IConnector* connector() noexcept override { return first().connector() ? this : nullptr; }
  IEnricher* enricher() noexcept override { return first().enricher(); }
  IProxySource* proxies() noexcept override { return first().proxies(); }

  std::vector<std::string> protection() const { return at(0).block->protection(); }

 private:
  struct Shard {
    std::unique_ptr<ShardHost> host;
    std::unique_ptr<RemoteBlock> block;
    bool isOpen = false;
    bool isFree = false;  // it did not start, and nothing is left of it
  };

  // IConnector
  Link connect(const Instance& i, const LinkRequest& r) override { return linker(i).connect(i, r); }
  void reconnect(const Instance& i, const std::optional<Proxy>& proxy) override {
    linker(i).reconnect(i, proxy);
  }
  void disconnect(const Instance& i) override { linker(i).disconnect(i); }
  void logout(const Instance& i) override { linker(i).logout(i); }
  Profile profile(const Instance& i) override { return linker(i).profile(i); }
  Json perform(const Instance& i, const std::string& operation, const Json& a) override {
    return linker(i).perform(i, operation, a);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& a,
                   const std::vector<Media>& files) override {
    return linker(i).performWith(i, operation, a, files);
  }
  Media media(const Instance& i, const std::string& key) override {
    return linker(i).media(i, key);
  }

  Shard& at(int process) const;
  IBlockConfigurator& of(const Instance& i) const { return *at(placement_.placeOf(i.id)).block; }
  IBlockConfigurator& first() const { return *at(0).block; }
  IConnector& linker(const Instance& i) const { return *of(i).connector(); }
  int add();
  void launch(int process);
  void open(int process);
  void told(int process, RemoteBlock::Fate);
  int makeOne();
  void giveBack(int process);
  bool separate(int from, const std::vector<InstanceId>&);

  const Isolation isolation_;
  const int processes_;
  const Tell tell_;
  Placement placement_;
  std::unique_ptr<ShardGauges> gauges_;
  IHost* host_ = nullptr;  // from start() on

  mutable std::mutex mutex_;                    // guards all below, but not what blocks do
  std::vector<std::unique_ptr<Shard>> shards_;  // the first `processes`; then those for suspects
  bool stopping_ = false;
};

}  // namespace pombo
