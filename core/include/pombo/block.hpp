// The block contract. A block is a shared library that owns one integration and one word: its name.
// That word is its key under `blocks:` in the YAML file, the prefix of its fields in a create
// request (`webhook` owns webhookEnabled, webhookURL, ...), its key in every response, and the
// prefix of its tables, logs and metrics.
//
// Threads. [start] and [stop] run alone. [request] runs on a pool of workers, concurrently.
// [ingest] is one call at a time per chat. [delivery] is the block's own lane. [any thread] is
// safe from all of them. A service called from one of these runs on the same thread, under the same
// time budget.
//
// Failure. A block fails by throwing pombo::Error. Core catches at one place, reports the failure
// under the block's name, and carries on: a block can neither abort the creation of an instance nor
// hold up another block.
//
// Process. Everything that crosses is Json, strings, descriptors and plain structs, so the same
// library runs inside the gateway or in a process of its own, and cannot tell which. Inside, it can
// still crash everyone: what is contained there is exceptions, slowness, floods and bad
// configuration, not memory. Whatever must survive a crash goes through IHost.
//
// Lifetime. A library is loaded once and never unloaded.
#pragma once

#include "pombo/host.hpp"

namespace pombo {

class POMBO_API IBlockConfigurator {
 public:
  IBlockConfigurator() = default;
  IBlockConfigurator(const IBlockConfigurator&) = delete;
  IBlockConfigurator& operator=(const IBlockConfigurator&) = delete;
  virtual ~IBlockConfigurator() = default;

  // What a create request may say to this block, and what its node in the YAML file may, where any
  // other key is refused. Asked once, before start(); no effect but the answer. [start]
  virtual std::vector<Field> fields() const { return {}; }
  virtual std::vector<Field> options() const { return {}; }

  // Migrates tables, adds routes, subscribes. Nothing may be added later. `host` outlives the
  // block. A throw leaves the gateway running without this block, unless the YAML requires it.
  // In a process of its own this runs again after every crash, and declares the same. [start]
  virtual void start(IHost& host) = 0;

  // Keeps what it needs of the block's slice of a create request: checked against fields(),
  // fallbacks filled in. Not called when the slice is empty, nor when it is switched off and the
  // instance is new; one that exists is told, so that the block can switch off. May dial out,
  // through host.http() only: that is where the time budget is kept. The instance may yet not come
  // to be: keep nothing but through the host. [request]
  virtual void configure(const Instance&, const Fields&) {}

  // What responses show under the block's name: the same keys whether or not the instance uses the
  // block. Says that a secret is set, never what it is. No network, and nothing is written.
  // [request]
  virtual Json summary(const Instance&) = 0;

  // The instance is going. Settings, secrets and queued events go with it; own tables and remote
  // things are the block's to clear. [request]
  virtual void forget(const Instance&) {}

  // "ok" or "fail: <reason>" for GET /health; absent when there is nothing to check. [any thread]
  virtual std::optional<std::string> health() { return std::nullopt; }

  // No call follows. Own threads must have ended when it returns. [stop]
  virtual void stop() noexcept {}

  // The optional sides; owned by the block, constant from start() on.
  virtual IConnector* connector() noexcept { return nullptr; }
  virtual IEnricher* enricher() noexcept { return nullptr; }
  virtual IProxySource* proxies() noexcept { return nullptr; }
};

}  // namespace pombo

// The factory of the library, defined by POMBO_BLOCK: no effect but the object, which the caller
// deletes. A block's own tests come in by the same door.
extern "C" POMBO_API pombo::IBlockConfigurator* pombo_create();

// Once per library, at namespace scope: POMBO_BLOCK(WebhookBlock, "webhook", "1.0.0")
// clang-format off
#define POMBO_BLOCK(Class, blockName, blockVersion)                                             \
  ::pombo::IBlockConfigurator* pombo_create() { return new Class; }                             \
  __attribute__((section(POMBO_SECTION), used, retain))                                         \
  static const ::pombo::BlockMetadata pombo_metadata{                                           \
      POMBO_MAGIC, sizeof(::pombo::BlockMetadata), POMBO_ABI, blockName, blockVersion};
// clang-format on
