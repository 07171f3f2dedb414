// Keeps a block's process alive: starts it again when it dies, later and later, and no longer when
// it dies again and again.
#pragma once

#include "pombo/host.hpp"
#include "process/child.hpp"
#include "process/protocol.hpp"

namespace pombo {

struct Isolation {
  std::string name, version;  // of the block, as its library says
  int process = 0;            // of several, from 1; 0: there is one
  ChildOptions child;
  ILogger* log = nullptr;  // outlives the block; null: the host's, once there is one
  std::chrono::milliseconds call{10'000};  // for an answer, when nobody says how long
  std::chrono::milliseconds start{30'000};
  std::chrono::milliseconds pause{100};  // before it is started again; doubles
  std::chrono::milliseconds longestPause{30'000};
  std::chrono::milliseconds settled{
      60'000};              // up for so long, it begins with the first pause again
  std::size_t crashes = 5;  // within the next, and it is not started any more
  std::chrono::milliseconds within{60'000};
};

// Who lives in the process, as the supervisor knows it. Called by the supervisor's own threads.
class IInhabitant {
 public:
  virtual ~IInhabitant() = default;
  virtual void furnish(Peer&) = 0;  // its calls and posts
  virtual void revive(Child&) = 0;  // started again: says hello, starts the block; throws
  // What it held is gone. The next life begins when this returns; `forGood`, when there is none.
  virtual void mourn(bool forGood) noexcept = 0;
  virtual void revived() noexcept = 0;
};

// The process ended with the call in its hands: what was asked may have been done.
class CutOff : public Error {
 public:
  explicit CutOff(const Error& error) : Error(error) {}
};

class Supervisor {
 public:
  Supervisor(Isolation, IInhabitant&);
  ~Supervisor();

  // The first life, which is begun by whoever calls; throws Error when there is no process.
  std::shared_ptr<Child> launch();
  void up(IHost&);       // it was begun: from now on it is started again
  void stop() noexcept;  // says "stop" when it is up, and waits for its end

  // Throws what the other side threw; Error{unavailable, timedOut} naming the block when it was not
  // there or was late, CutOff{unavailable} when it died meanwhile. Within what is left of the
  // request being served, or within `limit`.
  template <class R = void, class... A>
  R ask(std::chrono::milliseconds limit, const char* name, const A&... arguments) {
    const auto until = deadlineFor(limit);
    return askOf<R>(*current(until), until, limit, name, arguments...);
  }
  template <class R = void, class... A>
  R ask(const char* name, const A&... arguments) {
    return ask<R>(isolation_.call, name, arguments...);
  }
  // The same for what returns nothing: who it was that answered.
  template <class... A>
  std::shared_ptr<Child> askWho(const char* name, const A&... arguments) {
    const auto until = deadlineFor(isolation_.call);
    auto child = current(until);
    askOf(*child, until, isolation_.call, name, arguments...);
    return child;
  }
  template <class R = void, class... A>
  R askOf(Child& child, Peer::Deadline until, std::chrono::milliseconds limit, const char* name,
          const A&... arguments) {
    Packed result = exchange(child, until, limit, name, pack(arguments...));
    if constexpr (!std::is_void_v<R>) try {
        return resultOf<R>(std::move(result));
      } catch (const std::exception& mistyped) {
        child.kill(std::string("answered ") + name + " with something else: " + mistyped.what());
        throw CutOff(unavailable(child.epitaph()));
      }
  }

  const Isolation& isolation() const { return isolation_; }
  // Why it is not running; nothing when it is.
  std::optional<std::string> problem() const;
  std::shared_ptr<Child> child() const;
  Error unavailable(const std::string& why) const;
  // Waits for a start that is under way, and fails at once in the pause between two.
  std::shared_ptr<Child> current(Peer::Deadline until);
  // From when it is asked, for an answer.
  Peer::Deadline deadline() const { return deadlineFor(isolation_.call); }
  // By mourn() alone: whoever may be to blame has left it, so that its ends so far do not count.
  void pardon();
  // What is passed as a file may be anything that has a descriptor; throws Error{unavailable}.
  void requireFile(const Media&) const;

 private:
  enum class State { starting, up, down, quarantined, stopped };

  static Peer::Deadline deadlineFor(std::chrono::milliseconds limit);
  Packed exchange(Child&, Peer::Deadline until, std::chrono::milliseconds limit, const char* name,
                  Packed arguments);
  void live();
  bool spawn();
  bool outlive(const std::string& epitaph);
  void revive(Child&);
  void told(const std::string& line) const;
  void report(State) const;
  void log(Level, const std::string& message, const Json& fields) const;

  const Isolation isolation_;
  IInhabitant& inhabitant_;
  std::atomic<IHost*> host_ = nullptr;  // null: it was not up yet

  mutable std::mutex mutex_;  // guards all below
  mutable std::condition_variable changed_;
  State state_ = State::starting;
  std::string problem_;
  std::shared_ptr<Child> child_;

  // Of the thread that lives.
  std::vector<std::shared_ptr<Child>> departed_;  // with services of theirs still running
  std::deque<Peer::Deadline> crashes_;
  std::chrono::milliseconds pause_{};
  Peer::Deadline birth_;
  std::thread life_;
};

}  // namespace pombo
