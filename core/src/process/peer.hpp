// One end of the pipe between the gateway and a block's process: calls go both ways, and nest. A
// call made while serving a call of the other side is served there by the very thread that waits,
// so that threads, drafts, locks and time budgets are what they are without the pipe.
//
// Whoever waits for an answer also reads: a call between two threads that have just talked wakes
// nobody else. The thread in serve() reads when nobody waits.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "process/channel.hpp"

namespace pombo {

class Peer {
 public:
  struct Gone {};  // the other side is no more
  struct Late {};  // no answer in time
  struct Full {};  // too many calls are not answered yet
  using Clock = std::chrono::steady_clock;
  using Deadline = Clock::time_point;

  struct Limits {
    std::size_t calls;                  // of the other side at once; more of them end it
    std::size_t ours;                   // calls to it at once
    std::chrono::seconds writing;       // that a frame may take to be written; zero: any time
    std::chrono::milliseconds silence;  // of the other side, then it is given up
    std::chrono::milliseconds ping;     // how often it is asked for a sign of life
  };

  Peer(int fd, const Limits&);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Set before serve(), constant from then on.
  Handlers calls;
  Handlers posts;              // by whoever reads: they never wait
  std::function<void()> look;  // every second, by the thread in serve()

  void serve();   // returns when the other side is gone
  void settle();  // then: returns when nothing of the other side's is being served
  bool settled() const;
  // The first reason is kept.
  void hangUp(const std::string& why);
  bool gone() const;
  std::string why() const;

  // Throws what the other side threw: an Error as it was, anything else as std::runtime_error. A
  // call that is late is left alone until `fatal`; then the other side is given up.
  Packed ask(Deadline deadline, Deadline fatal, const std::string& name, Packed arguments);
  // No answer; for what never waits.
  void post(const std::string& name, Packed arguments);
  // The same, for callers that never wait: by one other thread, in order; no word when it is gone.
  void postLater(const std::string& name, Packed arguments);
  void later(std::function<void()> job);  // on a thread of its own; dropped when there is none

  // Until when the call must be answered that this thread is serving; nothing when it serves none.
  static std::optional<Deadline> deadlineOfServed();

 private:
  struct Waiter {
    std::condition_variable arrived;
    std::deque<Frame> inbox;  // an answer, and a call before it at most
    bool answered = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  Frame await(Lock&, Waiter&, Deadline);
  void lead(Lock&, const Waiter* reader, Deadline until, bool worker);
  bool place(Lock&, Frame, bool worker);
  bool deliver(Frame);
  void enqueue(std::function<void()> job, bool mine);
  void weigh(Frame&);
  void readInTurn(Lock&, Deadline until);
  void inspect(Lock&);
  void end(const std::string& why);
  void work();
  void servePost(const Frame&);
  Frame replyTo(const Frame&);
  void answer(const Frame& reply);
  void postAll();
  void refuse(std::uint64_t id);
  bool send(const Frame&);

  const Limits limits_;
  Channel channel_;
  std::atomic<std::size_t> weight_ = 0;  // of large frames that are held

  mutable std::mutex mutex_;  // guards all below
  bool gone_ = false;
  std::string why_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Waiter*> waiting_;
  std::map<std::uint64_t, Deadline> overdue_;
  Deadline heard_, pinged_;

  bool leading_ = false;     // somebody reads
  bool recent_ = false;      // or has just done so
  std::uint64_t turns_ = 0;  // how often that was somebody else
  bool resting_ = false;     // the thread in serve() is to be told when nobody does
  std::condition_variable free_;

  std::deque<Frame> outbox_;  // of postLater()
  bool posting_ = false;      // somebody empties it

  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0, running_ = 0, serving_ = 0, refusing_ = 0;
  bool ending_ = false;
  std::condition_variable ready_;
  std::vector<std::thread> threads_;
};

}  // namespace pombo
