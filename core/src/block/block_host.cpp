#include "block/block_host.hpp"

#include "block/sql_scope.hpp"
#include "event/events.hpp"
#include "storage/migrations.hpp"

namespace pombo {

BlockHost::BlockHost(std::string block, Json config, const Services& services,
                     std::shared_ptr<Standing> standing)
    : block_(std::move(block)),
      config_(std::move(config)),
      all_(services),
      standing_(std::move(standing)),
      log_(services.log.limited(block_)),
      metrics_(services.metrics.of(block_)) {}

std::optional<Json> BlockHost::load(const InstanceId& id) const {
  const auto row = all_.store.load(id, block_, Secrets::sealed);
  if (!row.document) return std::nullopt;
  // What a block could save it can load: Boost.JSON writes deeper than it reads by itself.
  boost::json::parse_options options;
  options.max_depth = 256;
  options.allow_invalid_utf8 = true;
  return boost::json::parse(*row.document, {}, options);
}

// A block that keeps something else was configured again, by whatever way: what went wrong the last
// time is no longer told.
void BlockHost::save(const InstanceId& id, const Json& document) {
  all_.store.update(id, block_, [&](BlockRow& row) {
    row.document = serialize(document);
    row.error.clear();
  });
}

void BlockHost::erase(const InstanceId& id) {
  all_.store.update(id, block_, [](BlockRow& row) {
    row.document.reset();
    row.error.clear();
  });
}

std::optional<std::string> BlockHost::open(const InstanceId& id, const std::string& name) const {
  const auto row = all_.store.load(id, block_);
  if (row.unreadable) throw Error(Code::internal, "A stored secret cannot be opened");
  const auto it = row.secrets.find(name);
  return it == row.secrets.end() ? std::nullopt : std::optional(it->second);
}

void BlockHost::seal(const InstanceId& id, const std::string& name, const std::string& value) {
  all_.store.update(id, block_, [&](BlockRow& row) {
    row.secrets[name] = value;
    row.error.clear();
  });
}

void BlockHost::erase(const InstanceId& id, const std::string& name) {
  all_.store.update(id, block_, [&](BlockRow& row) {
    row.secrets.erase(name);
    row.error.clear();
  });
}

void BlockHost::migrate(const std::vector<Migration>& steps) {
  for (const auto& step : steps)
    for (const auto& sql : statementsOf(step.sql)) requireOwnTables(block_, sql, true);
  pombo::migrate(all_.database, block_, steps);
}

std::vector<SqlRow> BlockHost::query(const Statement& statement) {
  requireOwnTables(block_, statement.sql, false);
  return all_.database.read(
      [&](Session& session) { return session.query(statement.sql, statement.values); });
}

void BlockHost::apply(const std::vector<Statement>& statements) {
  for (const auto& statement : statements) requireOwnTables(block_, statement.sql, false);
  all_.store.apply(block_, statements);
}

void BlockHost::add(const Route& route, RouteHandler handler) {
  all_.routes.add({route, block_, std::move(handler), nullptr, standing_});
}

void BlockHost::addSocket(const Route& route, SocketHandler handler) {
  all_.routes.add({route, block_, nullptr, std::move(handler), standing_});
}

void BlockHost::addDialect(const std::string& name, ErrorWriter writer) {
  all_.routes.addDialect(block_, name, std::move(writer));
}

void BlockHost::answer(const std::string& requestId, const HttpReply& reply) {
  all_.routes.answer(requestId, reply);
}

IncomingReply BlockHost::send(const OutgoingRequest& request) {
  // Whoever is told of a new instance must not be told of one that then cannot be: its name, its
  // token and its place in the quota are taken first.
  if (Draft* draft = Draft::current()) draft->reserve();
  return all_.http.send(request);
}

std::vector<std::string> BlockHost::publish(const std::vector<Event>& events) {
  return all_.events.publish(events);
}

void BlockHost::subscribe(IHttpSink& sink, const Delivery& delivery) {
  all_.events.subscribe(block_, sink, delivery);
}

void BlockHost::subscribe(IEventSink& sink, const Delivery& delivery) {
  all_.events.subscribe(block_, sink, delivery, all_.laneWorkers);
}

Json BlockHost::envelope(const Event& event, bool withMediaBase64) const {
  return all_.events.envelope(event, withMediaBase64);
}

std::vector<DeliveryRecord> BlockHost::deliveries(const InstanceId& id,
                                                  const DeliveryQuery& query) const {
  return all_.events.deliveries().list(block_, id, query);
}

void BlockHost::redeliver(const InstanceId& id, const std::vector<std::string>& ids) {
  all_.events.deliveries().redeliver(block_, id, ids);
}

void BlockHost::giveUp(const InstanceId& id, const std::string& destination,
                       const std::string& reason) {
  all_.events.deliveries().giveUp({id, block_, destination}, reason);
}

Media BlockHost::media(const Event& event) {
  const auto instance = all_.instances.find(event.instance);
  if (!instance || event.mediaKey.empty()) throw Error(Code::notFound, "Media not found");
  return all_.office.media(*instance, event.mediaKey);
}

}  // namespace pombo
