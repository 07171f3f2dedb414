#include "event/intake.hpp"

namespace pombo {

void Intake::accepted(const AcceptedEvent& event) {
  // A read may have met its row before.
  if (taken_.hides(event.seq)) return;
  const auto without = waiting_.insert(keyOf(event.seq), event);
  if (without && without->seq == event.seq) return;
  arrived(event);
  if (!without) return;
  const auto chat = chats_.find(nameOf(*without));
  chat->second.events.erase(without->seq);
  if (chat->second.events.empty() && !chat->second.busy) chats_.erase(chat);
}

void Intake::arrived(const AcceptedEvent& event) {
  const Name name = nameOf(event);
  chats_[name].events.insert(event.seq);
  next(name);
}

void Intake::next(const Name& name) {
  Chat& chat = chats_.at(name);
  if (chat.busy || chat.events.empty()) return;
  chat.busy = true;
  Preparing& mine = preparing_[name.first];
  if (mine.count >= limits_.preparing) return mine.held.push_back(name);
  ++mine.count;
  ready_.push_back(name);
}

void Intake::prepare(std::vector<AcceptedEvent>& into) {
  for (; !ready_.empty(); ready_.pop_front()) {
    const Name& name = ready_.front();
    const auto chat = chats_.find(name);
    if (chat == chats_.end()) continue;
    if (chat->second.events.empty()) {
      finished(name);
      continue;
    }
    const auto seq = *chat->second.events.begin();
    chat->second.events.erase(chat->second.events.begin());
    const AcceptedEvent event = waiting_.rows().at(keyOf(seq));
    waiting_.erase(keyOf(seq));
    taken_.take(seq);
    inHand_[seq] = {event, {}};
    into.push_back(event);
  }
}

std::optional<std::set<QueueKey>> Intake::prepared(std::int64_t seq) {
  auto found = inHand_.extract(seq);
  if (found.empty()) return std::nullopt;
  finished(nameOf(found.mapped().event));
  return std::move(found.mapped().buried);
}

void Intake::bury(const QueueKey& queue) {
  for (auto& [_, each] : inHand_)
    if (each.event.instance == queue.instance) each.buried.insert(queue);
}

void Intake::notPrepared(std::int64_t seq) {
  const auto found = inHand_.extract(seq);
  if (found.empty()) return;
  const AcceptedEvent& event = found.mapped().event;
  const Name name = nameOf(event);
  taken_.release(seq);
  waiting_.putBack(keyOf(seq), event);
  chats_[name].events.insert(seq);
  finished(name);
}

void Intake::finished(const Name& name) {
  Preparing& mine = preparing_.at(name.first);
  --mine.count;
  const auto chat = chats_.find(name);
  chat->second.busy = false;
  if (chat->second.events.empty()) {
    chats_.erase(chat);
  } else {
    next(name);
  }
  if (!mine.held.empty() && mine.count < limits_.preparing) {
    ++mine.count;
    ready_.push_back(std::move(mine.held.front()));
    mine.held.pop_front();
  }
  if (mine.count == 0 && mine.held.empty()) preparing_.erase(name.first);
}

void Intake::forget(const InstanceId& instance) {
  for (auto chat = chats_.lower_bound({instance, ""});
       chat != chats_.end() && chat->first.first == instance; chat = chats_.erase(chat))
    for (const auto seq : chat->second.events) waiting_.erase(keyOf(seq));
  preparing_.erase(instance);
  std::erase_if(ready_, [&](const auto& name) { return name.first == instance; });
  std::erase_if(inHand_, [&](const auto& each) {
    if (each.second.event.instance != instance) return false;
    taken_.release(each.first);
    return true;
  });
}

std::size_t Intake::read() {
  if (taken_.reading() || !waiting_.wantsLoad()) return 0;
  waiting_.beginLoad();
  taken_.beginRead();
  return limits_.events + waiting_.size() + taken_.size();
}

void Intake::loaded(const std::vector<AcceptedEvent>& events, std::size_t asked) {
  Rows::Rows found;
  for (const auto& event : events)
    if (!taken_.hides(event.seq)) found.emplace_back(keyOf(event.seq), event);
  const auto reach = events.size() < asked ? std::nullopt : std::optional(keyOf(events.back().seq));
  waiting_.load(std::move(found), reach);
  for (const auto& event : events)
    if (waiting_.rows().contains(keyOf(event.seq))) arrived(event);
  taken_.endRead();
}

}  // namespace pombo
