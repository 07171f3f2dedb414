#include "instance/provisioner.hpp"

#include "block/field_table.hpp"
#include "event/database_event_store.hpp"
#include "instance/identity.hpp"
#include "instance/view.hpp"
#include "observe/request_scope.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kLogoutTime{10};

std::vector<std::string> ownNames() {
  std::vector<std::string> names;
  for (const auto& field : Provisioner::ownFields()) names.push_back(field.name);
  return names;
}

// A number is a mistake here, not a spelling.
void requireTexts(const boost::json::object& body) {
  for (const auto& field : Provisioner::ownFields())
    if (const auto* value = body.if_contains(field.name))
      if (!value->is_null() && !value->is_string())
        throw Error(Code::invalid, "The '" + field.name + "' field must be a string");
}

// A client that was told that its call took too long must not find that it was done all the same.
void requireOpen(const RequestScope* scope) {
  if (scope && !scope->claim()) throw StorageError("the request was answered before its turn came");
}

}  // namespace

struct Provisioner::Request {
  Request() = default;
  Request(Request&&) = default;
  ~Request() { wipe(token); }
  Instance instance;
  std::string token;
  Slices slices;
};

const std::vector<Field>& Provisioner::ownFields() {
  static const std::vector<Field> fields{
      {.name = "name", .doc = "Unique in the account.", .need = Need::always},
      {.name = "token", .doc = "The instance's token; made when absent.", .secret = true},
      {.name = "connector", .doc = "The block that links it."}};
  return fields;
}

Provisioned Provisioner::create(const AccountId& account, const Json& body) {
  Request request = read(account, body);
  const auto reservation = std::make_shared<Reservation>([&] { reserve(request); });
  // Whatever comes of it, a block that dials later reserves nothing.
  const std::unique_ptr<Reservation, void (*)(Reservation*)> closed(
      reservation.get(), [](Reservation* each) { each->close(); });
  Draft draft(request.instance.id, true);
  draft.reserveWith(reservation);
  registry_.configure(request.instance, request.slices, blocks_, draft);
  reservation->close();
  if (const auto failure = draft.reservationFailure()) std::rethrow_exception(failure);
  settle(request, draft);
  const Draft::Scope scope(draft);  // what was written is what is shown: no second look at the disk
  return {request.instance, shown(request.instance, request.token, request.instance.createdAt),
          request.slices.warnings};
}

Provisioner::Request Provisioner::read(const AccountId& account, const Json& body) const {
  const auto& given = body.as_object();
  requireTexts(given);
  const Json own = checked(ownFields(), given).values;
  const Fields fields(own);
  Request request;
  request.instance.name = checkedName(fields.require<std::string>("name"));
  request.token = fields.get<std::string>("token", "");
  if (request.token.empty())
    request.token = newInstanceToken();
  else
    checkToken(request.token);
  const std::string& usual = registry_.promises().defaultConnector;
  request.instance.connector = fields.get<std::string>("connector", usual);
  if (request.instance.connector != usual && !registry_.connectorNamed(request.instance.connector))
    throw Error(Code::invalid, "Connector is not available: " + request.instance.connector);
  request.instance.id = {newId()};
  request.instance.account = account;
  request.instance.status = kDisconnected;
  request.instance.createdAt = clock_.now();
  request.slices = registry_.list().slice(given, ownNames());
  return request;
}

// The first of two transactions, when a block is about to dial out.
void Provisioner::reserve(const Request& request) {
  Instance reserved = request.instance;
  reserved.status = kProvisioning;
  try {
    database_.commit(
        [&](Session& session) { instances_.insert(session, reserved, request.token); });
  } catch (const StorageError& error) {
    if (error.kind == StorageError::Kind::unknown) abandon(reserved);
    throw;
  }
}

// The only transaction, or the second of two: then the first must not outlive its failure.
void Provisioner::settle(const Request& request, Draft& draft) try {
  std::vector<BlockFailure> failures;
  const auto* const scope = RequestScope::current();
  const auto job = [&](Session& session) {
    requireOpen(scope);
    if (!draft.reserved())
      instances_.insert(session, request.instance, request.token);
    else if (!InstanceStore::settle(session, request.instance.id, kDisconnected))
      throw StorageError("the reservation of instance " + request.instance.id.value + " is gone");
    failures = blocks_.write(session, draft);
  };
  // What is reserved is there already, and a block's own SQL may fail by itself.
  const auto offer = [&]() -> std::optional<Share> {
    if (draft.reserved() || !draft.statements().empty()) return std::nullopt;
    Share share =
        instances_.share(request.instance, request.token, [&] { return blocks_.rowsOf(draft); });
    share.holds = [scope, sealed = share.holds] { return sealed() && (!scope || scope->claim()); };
    return share;
  };
  database_.commit(job, offer);
  registry_.report(request.instance, failures);
} catch (const StorageError& error) {
  if (draft.reserved() || error.kind == StorageError::Kind::unknown) abandon(request.instance);
  throw;
} catch (...) {
  if (draft.reserved()) abandon(request.instance);
  throw;
}

// Whether or not the request is still open, and the database there: this is what must not stay.
void Provisioner::abandon(const Instance& instance) try {
  erase(instance, nullptr);
} catch (const StorageError&) {
  std::lock_guard lock(mutex_);
  abandoned_.push_back(instance);
} catch (const Error&) {
  // It was not there.
}

Json Provisioner::shown(const Instance& instance, const std::string& token,
                        TimePoint updatedAt) const {
  boost::json::object shown = identityOf(instance, token, registry_.promises());
  registry_.show(instance, blocks_, shown);
  addTimes(shown, instance, updatedAt);
  return shown;
}

Provisioned Provisioner::configure(const Instance& instance, const Json& body) {
  const auto stored = instances_.find(instance.id);
  if (!stored) throw Error(Code::notFound, "Instance not found");
  const auto token = instances_.tokenOf(*stored);
  Slices slices = registry_.list().slice(body.as_object(), ownNames());
  Draft draft(instance.id, false);
  registry_.configure(stored->instance, slices, blocks_, draft);
  const auto now = clock_.now();
  std::vector<BlockFailure> failures;
  database_.commit([&, scope = RequestScope::current()](Session& session) {
    if (!InstanceStore::exists(session, instance.id))
      throw Error(Code::notFound, "Instance not found");
    requireOpen(scope);
    failures = blocks_.write(session, draft);
    InstanceStore::touch(session, instance.id, now);
  });
  registry_.report(stored->instance, failures);
  return {stored->instance, shown(stored->instance, token ? token->reveal() : "", now),
          slices.warnings};
}

void Provisioner::remove(const Instance& instance) {
  if (instance.status == kConnected) logout(instance);
  erase(instance, RequestScope::current());
}

// An instance goes whatever WhatsApp says.
void Provisioner::logout(const Instance& instance) const try {
  registry_.logout(instance, kLogoutTime);
} catch (const Error& error) {
  log_.write(Level::warn, "Deleted instance was not logged out",
             {{"instance", instance.id.value}, {"reason", error.what()}});
}

void Provisioner::removeAll(const AccountId& account,
                            const std::function<void(const Instance&)>& removed) {
  const auto all =
      database_.read([&](Session& session) { return InstanceStore::all(session, account); });
  for (const auto& instance : all) {
    try {
      remove(instance);
    } catch (const Error& error) {
      if (error.code != Code::notFound) throw;
      continue;  // its owner was quicker
    }
    removed(instance);
  }
}

void Provisioner::erase(const Instance& instance, const RequestScope* request) {
  Draft draft(instance.id, false);
  registry_.forget(instance, draft);
  std::vector<BlockFailure> failures;
  database_.commit([&](Session& session) {
    if (!InstanceStore::exists(session, instance.id))
      throw Error(Code::notFound, "Instance not found");
    requireOpen(request);
    failures = blocks_.write(session, draft);
    BlockStore::erase(session, instance.id);
    DatabaseEventStore::erase(session, instance.id);
    InstanceStore::erase(session, instance.id);
  });
  erased_(instance.id);
  registry_.report(instance, failures);
}

void Provisioner::sweep() {
  std::vector<Instance> abandoned;
  {
    std::lock_guard lock(mutex_);
    abandoned.swap(abandoned_);
  }
  for (const auto& instance : abandoned) abandon(instance);
}

void Provisioner::recover(TimePoint latest) {
  const auto half =
      database_.read([&](Session& session) { return InstanceStore::reserved(session, latest); });
  for (const auto& instance : half) {
    log_.write(Level::warn, "Removed an instance whose creation was cut short",
               {{"instance", instance.id.value}});
    abandon(instance);
  }
}

}  // namespace pombo
