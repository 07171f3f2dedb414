#include "event/attempts.hpp"

#include "event/kill_point.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kQuick{5};  // for request() and judge()
constexpr std::chrono::seconds kMedia{30};
constexpr std::size_t kLarge = 256 << 10;  // bytes of a body with media in it

AttemptResult failed(const std::string& reason) {
  return {.outcome = Outcome::retry, .reason = reason};
}

// A sink that does not know the destination any more will not know it later.
AttemptResult refused(const Error& error) {
  const bool isGone = error.code == Code::notFound;
  return {.outcome = isGone ? Outcome::drop : Outcome::retry, .reason = error.what()};
}

const AttemptResult kGone{.outcome = Outcome::drop, .reason = "the event is gone"};

}  // namespace

struct Attempts::Post {
  Post(std::int64_t id, Subscriber& subscriber, ByteBudget& large)
      : delivery(id), to(subscriber), budget(large) {}
  ~Post() {
    if (largeBytes > 0) budget.give(largeBytes);
  }
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  const std::int64_t delivery;
  Subscriber& to;
  ByteBudget& budget;
  std::uint64_t largeBytes = 0;
};

Attempts::Attempts(Surroundings& around, EventCache& cache, const Timeline& timeline,
                   Transfers& transfers, Answer answer, Spread spread)
    : around_(around),
      cache_(cache),
      timeline_(timeline),
      transfers_(transfers),
      answer_(std::move(answer)),
      spread_(std::move(spread)) {}

void Attempts::start(const Attempt& attempt, Subscriber& to) {
  if (to.http)
    to.making->push([this, attempt, &to] { begin(attempt, to); });
  else if (!to.lane->push(attempt.to.instance, [this, attempt, &to] {
             attempt.to.destination == kUnrouted ? route(attempt, to) : deliver(attempt, to);
           }))
    answer_(attempt.delivery.id, failed("the lane is full"));
}

void Attempts::begin(const Attempt& attempt, Subscriber& to) try {
  if (attempt.to.destination == kUnrouted) return route(attempt, to);
  const auto event = cache_.find(attempt.delivery.event, attempt.delivery.bytes);
  if (!event) return answer_(attempt.delivery.id, kGone);
  if (event->mediaKey.empty()) return post(attempt, to, event);
  to.fetching->push([this, attempt, &to, event] { post(attempt, to, event); });
} catch (const std::exception&) {
  answer_(attempt.delivery.id, failed("internal error"));
}

void Attempts::post(const Attempt& attempt, Subscriber& to, const EventCache::Entry& event) try {
  const PendingDelivery& delivery = attempt.delivery;
  const auto request = std::make_shared<OutgoingRequest>();
  const auto failure =
      around_.call(to.block, "request", event->mediaKey.empty() ? kQuick : kMedia,
                   [sink = to.http, event, request, name = attempt.to.destination,
                    n = delivery.attempts] { *request = sink->request(*event, name, n); });
  if (failure) return answer_(delivery.id, refused(*failure));
  const auto made = std::make_shared<Post>(delivery.id, to, largeBodies_);
  if (!event->mediaKey.empty() && request->body.size() > kLarge) {
    if (!largeBodies_.take(request->body.size())) return;  // this is the end
    made->largeBytes = request->body.size();
  }
  send(std::move(*request), made);
} catch (const std::exception&) {
  answer_(attempt.delivery.id, failed("internal error"));
}

void Attempts::send(OutgoingRequest request, std::shared_ptr<Post> post) {
  request.timeout = std::min(request.timeout, post->to.delivery.timeout);
  auto proxy = request.through ? around_.proxyFor(*request.through) : std::nullopt;
  killPoint("attempt.before_send");
  transfers_.start(
      std::move(request), std::move(proxy),
      [this, post = std::move(post)](Ended result) { ended(post, std::move(result)); });
}

// On the thread of all transfers: what a block has to say to it is asked elsewhere.
void Attempts::ended(const std::shared_ptr<Post>& post, Ended result) {
  if (result.how == Ended::How::stopped) return;
  killPoint("attempt.after_answer");
  if (result.how == Ended::How::answered) {
    post->to.making->push([this, post, result = std::move(result)] { judge(*post, result); });
    return;
  }
  AttemptResult said = failed(result.why);
  if (result.how == Ended::How::notAllowed) said.exhausted = "target not allowed";
  answer_(post->delivery, std::move(said));
}

void Attempts::judge(const Post& post, const Ended& ended) {
  const auto verdict = std::make_shared<Verdict>();
  const int status = ended.reply.status;
  const auto failure = around_.call(
      post.to.block, "judge", kQuick,
      [verdict, sink = post.to.http, reply = ended.reply] { *verdict = sink->judge(reply); });
  answer_(post.delivery, failure ? resultOf({Outcome::retry, failure->what()}, status)
                                 : resultOf(*verdict, status));
}

void Attempts::deliver(const Attempt& attempt, const Subscriber& to) try {
  const auto event = cache_.find(attempt.delivery.event, attempt.delivery.bytes);
  if (!event) return answer_(attempt.delivery.id, kGone);
  const auto verdict = std::make_shared<Verdict>();
  const auto failure = around_.call(to.block, "deliver", to.delivery.timeout,
                                    [verdict, sink = to.own, event, name = attempt.to.destination] {
                                      *verdict = sink->deliver(*event, name);
                                    });
  answer_(attempt.delivery.id, failure ? failed(failure->what()) : resultOf(*verdict, 0));
} catch (const std::exception&) {
  answer_(attempt.delivery.id, failed("internal error"));
}

void Attempts::route(const Attempt& attempt, const Subscriber& to) try {
  const auto event = cache_.find(attempt.delivery.event, attempt.delivery.bytes);
  if (!event) return answer_(attempt.delivery.id, kGone);
  const auto found = std::make_shared<std::vector<std::string>>();
  const auto failure = around_.call(
      to.block, "route", kQuick, [route = to.router(), event, found] { *found = route(*event); });
  if (failure) return answer_(attempt.delivery.id, failed(failure->what()));
  spread_(attempt, std::move(*found));
} catch (const std::exception&) {
  answer_(attempt.delivery.id, failed("internal error"));
}

AttemptResult Attempts::resultOf(const Verdict& verdict, int httpStatus) const {
  AttemptResult result{
      .outcome = verdict.outcome, .reason = verdict.reason, .httpStatus = httpStatus};
  if (verdict.notBefore)
    result.notBefore = timeline_.fromWall(
        std::chrono::duration_cast<std::chrono::milliseconds>(verdict.notBefore->time_since_epoch())
            .count(),
        currentMoment());
  return result;
}

}  // namespace pombo
