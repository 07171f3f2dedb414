// From a request to its answer: who may, how often, with what; then the handler.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "block/field_table.hpp"
#include "http/admission.hpp"
#include "http/audit_trail.hpp"
#include "http/sockets.hpp"
#include "http/workers.hpp"
#include "observe/logger.hpp"
#include "observe/metrics.hpp"

namespace pombo {

struct RouterOptions {
  int workers = 64;      // most of them wait for a commit
  int slowWorkers = 32;  // and no queue: what finds none of them free is told so
  std::chrono::milliseconds budget{30'000};  // of a call, unless its route says otherwise
  bool accessLog = true;
};

class Router final : public IService {
 public:
  Router(const RouterOptions&, RouteTable&, Admission&, const Cors&, Sockets&, AuditLog&, Log&,
         Metrics&, IClock&);

  // From now on everything but probes is answered with 503.
  void drain() { draining_ = true; }
  int inFlight() const { return inFlight_; }
  void collect(Metrics&);  // before a scrape
  int threadsWrittenOff() const { return workers_.writtenOff() + slow_.writtenOff(); }
  // Of those, the ones whose task has not ended yet.
  int strayThreads() const { return workers_.strays() + slow_.strays(); }

  Expectation expect(const RequestHead&) override;
  void admit(const RequestHead&, const std::shared_ptr<void>& state,
             std::function<void(std::optional<Answer>)> then) override;
  void serve(std::shared_ptr<const RequestHead>, std::string body,
             const std::shared_ptr<void>& state, std::function<void(Answer)> then) override;
  Answer malformed() override;
  Answer versionUnknown() override;
  Answer headTooLarge() override;
  Answer bodyTooLarge() override;
  Answer tooSlow() override;
  Answer busy() override;

 private:
  void beginCors(Call&, const RequestHead&) const;
  void run(const std::shared_ptr<Call>&);
  bool passedOn(const std::shared_ptr<Call>&);
  void overrun(Call&);
  HttpReply handle(Call&);
  Answer upgraded(Call&);
  // Into a block's code, which must come back.
  static void watched(Call&, const std::function<void()>& handler);
  HttpRequest requestOf(Call&, std::vector<std::string>& warnings) const;
  Checked fieldsOf(Call&, std::vector<std::string>& warnings) const;
  void await(const std::shared_ptr<Call>&, const std::vector<std::string>& warnings);
  void answer(Call&, Answer);  // once; later ones are dropped
  void refuse(Call&, const Error&);

  Answer refusal(const Call&, const Error&);
  Answer failure(const Call&);
  Answer inDialect(const Call&, const Refusal&, std::chrono::seconds retryAfter);

  Answer complete(const Call&, Answer) const;
  void addLimitHeaders(const Call&, Answer&) const;
  void observe(const Call&, const Answer&);
  void count(const Call&, const Answer&);

  const RouterOptions options_;
  RouteTable& table_;
  const Dispatcher dispatcher_;
  Admission& admission_;
  const Cors& cors_;
  Sockets& sockets_;
  const AuditTrail trail_;
  Log& log_;
  Metrics& metrics_;
  IClock& clock_;
  std::mutex countsMutex_;                                              // guards counts_
  std::map<std::pair<const ServedRoute*, int>, std::uint64_t> counts_;  // by route and status
  std::atomic<bool> draining_{false};
  std::atomic<int> inFlight_{0};
  // Last: their threads use everything above. Those of `workers_` end first: what they still have
  // to do may be passed on to the slow ones.
  Workers slow_, workers_;
};

}  // namespace pombo
