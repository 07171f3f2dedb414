// The one thread that talks to the pipeline.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "event/pipeline.hpp"

namespace pombo {

// say(), sayAfter() and now() are thread-safe.
class PipelineThread {
 public:
  using Saying = std::function<void(Pipeline&, Millis now)>;
  // On the pipeline's thread: hands on and returns.
  using CarryOut = std::function<void(Work&)>;
  using Clock = std::function<Millis()>;  // the timeline

  PipelineThread(const PipelineLimits&, Random&, Clock, CarryOut);
  ~PipelineThread() { stop(); }

  // Said before this is heard first. The pipeline is the caller's until then.
  Pipeline& pipeline() { return pipeline_; }
  void start();
  void stop();  // what was said last is not heard

  void say(Saying);
  void sayAfter(Millis wait, Saying);
  Millis now() const { return clock_(); }

 private:
  void run();
  void takeDue(Millis now, std::vector<Saying>& into);

  Pipeline pipeline_;
  const Clock clock_;
  const CarryOut carryOut_;
  Millis wakeAt_ = 0;  // the pipeline's own

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::vector<Saying> inbox_;
  std::multimap<Millis, Saying> later_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pombo
