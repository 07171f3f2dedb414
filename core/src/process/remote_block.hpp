// A block in a process of its own, told apart from one inside by nobody. When the process dies,
// calls in flight fail with Error{unavailable} and it is started again.
#pragma once

#include "process/served_host.hpp"

namespace pombo {

class RemoteBlock final : public IBlockConfigurator,
                          private IConnector,
                          private IEnricher,
                          private IProxySource,
                          private IInhabitant {
 public:
  // What becomes of the process of a block that has a connector, and so of its links. Another is
  // started when it returns from the `ended` of the last.
  enum class Fate { ended, quarantined, revived };
  using Tell = std::function<void(Fate)>;

  // Starts the process and asks what the block declares; throws Error when it cannot.
  RemoteBlock(Isolation, Tell);
  ~RemoteBlock() override;

  std::vector<Field> fields() const override { return declared_.fields; }
  std::vector<Field> options() const override { return declared_.options; }
  void start(IHost&) override;
  void configure(const Instance& i, const Fields& slice) override {
    supervisor_.ask("block.configure", i, slice.document());
  }
  Json summary(const Instance& i) override { return supervisor_.ask<Json>("block.summary", i); }
  void forget(const Instance& i) override { supervisor_.ask("block.forget", i); }
  std::optional<std::string> health() override;
  void stop() noexcept override { supervisor_.stop(); }
  IConnector* connector() noexcept override { return sides_.connector ? this : nullptr; }
  IEnricher* enricher() noexcept override { return sides_.enricher ? this : nullptr; }
  IProxySource* proxies() noexcept override { return sides_.proxies ? this : nullptr; }

  std::vector<std::string> protection() const;  // in force, as pombo-block-host says

 private:
  // IConnector
  Link connect(const Instance& i, const LinkRequest& request) override {
    return supervisor_.ask<Link>("connector.connect", i, request);
  }
  void reconnect(const Instance& i, const std::optional<Proxy>& proxy) override {
    supervisor_.ask("connector.reconnect", i, proxy);
  }
  void disconnect(const Instance& i) override { supervisor_.ask("connector.disconnect", i); }
  void logout(const Instance& i) override { supervisor_.ask("connector.logout", i); }
  Profile profile(const Instance& i) override {
    return supervisor_.ask<Profile>("connector.profile", i);
  }
  Json perform(const Instance& i, const std::string& operation, const Json& arguments) override {
    return supervisor_.ask<Json>("connector.perform", i, operation, arguments);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    return supervisor_.ask<Json>("connector.performWith", i, operation, arguments, files);
  }
  Media media(const Instance& i, const std::string& key) override {
    auto media = supervisor_.ask<Media>("connector.media", i, key);
    supervisor_.requireFile(media);
    return media;
  }
  // IEnricher, IProxySource
  Json enrich(const Event& event) override {
    return supervisor_.ask<Json>("enricher.enrich", event);
  }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    return supervisor_.ask<std::optional<Proxy>>("proxies.proxyFor", id);
  }
  // IInhabitant
  void furnish(Peer&) override;
  void revive(Child&) override;
  void mourn(bool forGood) noexcept override;
  void revived() noexcept override;

  template <class R, class... A>
  R askToStart(Child&, const char* name, const A&... arguments);
  Declared declarationOf(Child&);
  void greet(Peer&, const Ready&);

  const Tell tell_;
  ServedHost served_;
  IHost* host_ = nullptr;  // from start() on
  Declared declared_;
  Sides sides_;

  mutable std::mutex mutex_;  // guards the two below
  std::optional<Ready> ready_;
  std::optional<std::vector<std::string>> confined_;  // by whoever started a program

  mutable Supervisor supervisor_;  // last: its threads use all of the above
};

}  // namespace pombo
