// One request on its way through the router.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "http/authentication.hpp"
#include "http/dispatcher.hpp"
#include "http/exchange.hpp"
#include "instance/limits.hpp"
#include "storage/secret.hpp"

namespace pombo {

// Shared by the worker that serves it and the watch that may have to answer in its place. Who has
// the word is decided once, by `turn`; the watch reads nothing else but what stands before it.
struct Call {
  std::shared_ptr<const RequestHead> head;
  std::string path, query, remote;
  Match match;
  std::string body;
  std::function<void(Answer)> then;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::chrono::milliseconds budget{};
  std::string origin;          // the page's, as it was sent; empty: no page's
  std::string page;            // the same as lists hold it; empty: it is none that could be listed
  bool originWelcome = false;  // whoever calls

  // open: nobody has the word. claimed: its handler is doing what cannot be undone, and will answer
  // however long it takes. answered: nothing more goes out.
  enum class Turn { open, claimed, answered };
  std::atomic<Turn> turn{Turn::open};
  std::atomic<bool> admitted{false};  // the same for admit(), which comes before

  bool claim() {
    Turn expected = Turn::open;
    return turn.compare_exchange_strong(expected, Turn::claimed) || expected == Turn::claimed;
  }
  // By the handler's own thread, or by whoever the handler left the answer to.
  bool takeAnswer() { return turn.exchange(Turn::answered) != Turn::answered; }
  // By the watch: only while nothing has begun that cannot be undone.
  bool takeOverrun() {
    Turn expected = Turn::open;
    return turn.compare_exchange_strong(expected, Turn::answered);
  }

  std::shared_ptr<Watched> watched = {};  // while a block's handler has it; null: core's own

  bool slow = false;                               // on a thread for slow ones
  std::chrono::steady_clock::time_point due = {};  // of its handler, whichever thread it is on

  // What the checks have found.
  bool checked = false;
  bool limited = false;  // an allowance was taken: its headers go out
  Allowance allowance;
  std::optional<Caller> caller;
  bool admin = false;          // it was the admin token
  std::string tokenPlace;      // where the token stood: see FoundToken
  std::string tokenHash;       // of a socket's route
  bool originAllowed = false;  // for this caller; of a stranger, for any
  std::optional<Instance> instance;
  std::string instanceName;     // ":instance" of the path: decoded, NFC
  std::string detail;           // why the body was no good
  Json made;                    // what an audited call has made or changed, of its answer
  std::function<void()> leave;  // gives a slow call's place back

  ~Call() {
    wipe(body);
    giveBack();
  }
  void giveBack() {
    if (const auto back = std::exchange(leave, nullptr)) back();
  }
  const Route& route() const { return match.route->route; }
};

}  // namespace pombo
