#include "instance/rotation.hpp"

#include "instance/instance_store.hpp"
#include "storage/block_store.hpp"

namespace pombo {
namespace {

constexpr int kBatch = 500;  // rows per commit: a running server waits for no more than that

}  // namespace

Rotated rotate(Store& store) {
  Keyring& keyring = store.keyring();
  if (!keyring.fromFile() && keyring.newest() == store.sealer().keyId())
    throw std::runtime_error(
        "nothing to rotate to: put the new key before the old one, POMBO_MASTER_KEY=NEW,OLD, here "
        "and in the server's environment, restart the server, and run this again");
  // The key is in the file before the database says that it seals, both in one transaction: from
  // then on no transaction of any process seals with another.
  Rotated done;
  done.keyId =
      store.sealer().change([&] { return keyring.fromFile() ? keyring.add() : keyring.newest(); });
  const InstanceStore instances(store.database(), store.sealer());
  const BlockStore blocks(store.database(), store.sealer());
  for (int sealed = 1; sealed > 0;) {
    store.database().commit([&](Session& session) {
      sealed = instances.reseal(session, kBatch) + blocks.reseal(session, kBatch);
    });
    done.values += sealed;
  }
  if (!keyring.fromFile()) return done;
  store.database().commit([&](Session&) {
    if (store.sealer().keyId() != done.keyId)
      throw std::runtime_error("another rotation has begun meanwhile; it takes the old keys out");
    keyring.keepOnly(done.keyId);
  });
  return done;
}

}  // namespace pombo
