// A block in a process of its own, told apart from one inside by nobody. When the process dies,
// calls in flight fail with Error{unavailable}, what was asked of WhatsApp with Error{timedOut},
// and it is started again.
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

  // Said of each instance before the process that is there now is asked for it; false when it is to
  // be asked for elsewhere.
  using Ask = std::function<bool(const InstanceId&)>;

  // Starts the process and asks what the block declares; throws Error when it cannot.
  RemoteBlock(Isolation, Tell, Ask = {});
  ~RemoteBlock() override;

  std::vector<Field> fields() const override { return declared_.fields; }
  std::vector<Field> options() const override { return declared_.options; }
  void start(IHost&) override;
  void configure(const Instance& i, const Fields& slice) override {
    askFor(i, "block.configure", slice.document());
  }
  Json summary(const Instance& i) override { return askFor<Json>(i, "block.summary"); }
  void forget(const Instance& i) override { supervisor_.ask("block.forget", i); }
  std::optional<std::string> health() override;
  void stop() noexcept override { supervisor_.stop(); }
  IConnector* connector() noexcept override { return sides_.connector ? this : nullptr; }
  IEnricher* enricher() noexcept override { return sides_.enricher ? this : nullptr; }
  IProxySource* proxies() noexcept override { return sides_.proxies ? this : nullptr; }

  std::vector<std::string> protection() const;  // in force, as pombo-block-host says
  // Inside of the Tell of an end alone: as Supervisor has it.
  void pardon() { supervisor_.pardon(); }

 private:
  // IConnector
  Link connect(const Instance& i, const LinkRequest& request) override {
    return askFor<Link>(i, "connector.connect", request);
  }
  void reconnect(const Instance& i, const std::optional<Proxy>& proxy) override {
    askFor(i, "connector.reconnect", proxy);
  }
  void disconnect(const Instance& i) override { askFor(i, "connector.disconnect"); }
  void logout(const Instance& i) override { askFor(i, "connector.logout"); }
  Profile profile(const Instance& i) override { return askFor<Profile>(i, "connector.profile"); }
  Json perform(const Instance& i, const std::string& operation, const Json& arguments) override {
    return performed(i, "connector.perform", operation, arguments);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    return performed(i, "connector.performWith", operation, arguments, files);
  }
  Media media(const Instance& i, const std::string& key) override {
    auto media = askFor<Media>(i, "connector.media", key);
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

  template <class R = void, class... A>
  R askFor(const Instance& i, const char* name, const A&... arguments) {
    const auto until = supervisor_.deadline();
    const auto child = supervisor_.current(until);
    if (ask_ && !ask_(i.id)) throw supervisor_.unavailable("is not running");
    return supervisor_.askOf<R>(*child, until, supervisor_.isolation().call, name, i, arguments...);
  }
  template <class... A>
  Json performed(const Instance& i, const char* name, const A&... arguments) try {
    return askFor<Json>(i, name, arguments...);
  } catch (const CutOff& cut) {
    throw Error(Code::timedOut, cut.what());
  }
  template <class R, class... A>
  R askToStart(Child&, const char* name, const A&... arguments);
  Declared declarationOf(Child&);
  void greet(Peer&, const Ready&);

  const Tell tell_;
  const Ask ask_;
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
