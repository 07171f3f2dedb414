#include "event/attempts.hpp"

#include "event/envelope.hpp"
#include "event/inlining.hpp"
#include "event/kill_point.hpp"
#include "event/media_size.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kQuick{5};  // for request() and judge()
constexpr std::chrono::seconds kMedia{30};
constexpr std::int64_t kEnvelope = 1024;  // bytes of a body, about, beside those of its data

AttemptResult failed(const std::string& reason) {
  return {.outcome = Outcome::retry, .reason = reason};
}

// What was thrown, as a customer may read it: the way to a proxy may be refused.
AttemptResult failedBy(const std::exception& thrown) {
  const auto* const told = dynamic_cast<const Error*>(&thrown);
  return failed(told ? told->what() : "internal error");
}

// A sink that does not know the destination any more will not know it later.
AttemptResult refused(const Error& error) {
  const bool isGone = error.code == Code::notFound;
  return {.outcome = isGone ? Outcome::drop : Outcome::retry, .reason = error.what()};
}

// About as many bytes as its body will have, without media.
std::uint64_t plainSize(const Attempt& attempt) {
  return static_cast<std::uint64_t>(attempt.delivery.bytes + kEnvelope);
}

// What the media add to it, by what is said of them. Never little: whoever sent them said it.
std::uint64_t inlinedSize(const Event& event) {
  const auto said = saidMediaSize(event);
  const bool isKnown = said && *said < Envelope::kMostMedia;
  const auto encoded = (isKnown ? *said : Envelope::kMostMedia) * 4 / 3;
  return std::max(encoded, ByteBudget::kSmall);
}

const AttemptResult kGone{.outcome = Outcome::drop, .reason = "the event is gone"};

}  // namespace

struct Attempts::Post {
  const std::int64_t delivery;
  Subscriber& to;
  const Room room;
};

// A call that is late may still write to it.
struct Attempts::Made {
  OutgoingRequest request;
  bool inlines = false;  // it is not whole: its media have to be fetched
};

Attempts::Attempts(Surroundings& around, EventCache& cache, const Timeline& timeline,
                   Transfers& transfers, std::uint64_t bodyBytes, Answer answer, Spread spread)
    : around_(around),
      cache_(cache),
      timeline_(timeline),
      transfers_(transfers),
      answer_(std::move(answer)),
      spread_(std::move(spread)),
      bodies_(bodyBytes) {}

void Attempts::start(const Attempt& attempt, Subscriber& to) {
  const bool routed = attempt.to.destination != kUnrouted;
  if (to.http && routed)
    bodies_.take(attempt.to.instance, plainSize(attempt), [this, attempt, &to](const Room& room) {
      if (room)
        to.making->push(attempt.to.instance,
                        [this, attempt, &to, room] { begin(attempt, to, room); });
    });
  else if (to.http)
    to.making->pushAside([this, attempt, &to] { route(attempt, to); });
  else if (!to.lane->push(attempt.to.instance, [this, attempt, &to, routed] {
             routed ? deliver(attempt, to) : route(attempt, to);
           }))
    answer_(attempt.delivery.id, failed("the lane is full"));
}

void Attempts::begin(const Attempt& attempt, Subscriber& to, Room room) try {
  const auto event = cache_.find(attempt.delivery.event, attempt.delivery.bytes);
  if (!event) return answer_(attempt.delivery.id, kGone);
  const auto made = make(attempt, to, event, false);
  if (!made) return;
  if (!made->inlines) return send(attempt, to, std::move(made->request), std::move(room));
  if (!to.lane->push(attempt.to.instance,
                     [this, attempt, &to, event] { fetch(attempt, to, event); }))
    answer_(attempt.delivery.id, failed("the lane is full"));
} catch (const std::exception& thrown) {
  answer_(attempt.delivery.id, failedBy(thrown));
}

void Attempts::fetch(const Attempt& attempt, Subscriber& to, const EventCache::Entry& event) try {
  Room room = bodies_.await(attempt.to.instance, plainSize(attempt) + inlinedSize(*event));
  if (!room) return;  // this is the end
  if (const auto made = make(attempt, to, event, true))
    send(attempt, to, std::move(made->request), std::move(room));
} catch (const std::exception& thrown) {
  answer_(attempt.delivery.id, failedBy(thrown));
}

// Null: it has been answered.
std::shared_ptr<Attempts::Made> Attempts::make(const Attempt& attempt, const Subscriber& to,
                                               const EventCache::Entry& event, bool fetches) {
  const auto made = std::make_shared<Made>();
  const auto failure = around_.call(to.block, "request", fetches ? kMedia : kQuick,
                                    [sink = to.http, event, made, fetches,
                                     name = attempt.to.destination, n = attempt.delivery.attempts] {
                                      std::optional<NoInlining> none;
                                      if (!fetches) none.emplace(made->inlines);
                                      made->request = sink->request(*event, name, n);
                                    });
  if (!failure) return made;
  answer_(attempt.delivery.id, refused(*failure));
  return nullptr;
}

void Attempts::send(const Attempt& attempt, Subscriber& to, OutgoingRequest request, Room room) {
  room->resize(request.body.size());
  const auto post = std::make_shared<Post>(Post{attempt.delivery.id, to, std::move(room)});
  request.timeout = std::min(request.timeout, to.delivery.timeout);
  auto proxy = request.through ? around_.proxyFor(*request.through) : std::nullopt;
  killPoint("attempt.before_send");
  transfers_.start(
      std::move(request), std::move(proxy),
      [this, post](Ended result) { ended(post, std::move(result)); }, mayHang(attempt.pace));
}

// On the thread of all transfers: what a block has to say to it is asked elsewhere.
void Attempts::ended(const std::shared_ptr<Post>& post, Ended result) {
  if (result.how == Ended::How::stopped) return;
  killPoint("attempt.after_answer");
  if (result.how == Ended::How::answered) {
    post->to.making->pushAside([this, post, result = std::move(result)] { judge(*post, result); });
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
} catch (const std::exception& thrown) {
  answer_(attempt.delivery.id, failedBy(thrown));
}

void Attempts::route(const Attempt& attempt, const Subscriber& to) try {
  const auto event = cache_.find(attempt.delivery.event, attempt.delivery.bytes);
  if (!event) return answer_(attempt.delivery.id, kGone);
  const auto found = std::make_shared<std::vector<std::string>>();
  const auto failure = around_.call(
      to.block, "route", kQuick, [route = to.router(), event, found] { *found = route(*event); });
  if (failure) return answer_(attempt.delivery.id, failed(failure->what()));
  spread_(attempt, std::move(*found));
} catch (const std::exception& thrown) {
  answer_(attempt.delivery.id, failedBy(thrown));
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
