// A service that does what the target says, for tests of the edge.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/exchange.hpp"

namespace pombo {

class FakeService : public IService {
 public:
  static constexpr std::size_t kFileSize = 5 << 20;
  static constexpr std::size_t kLarge = 32 << 20;  // more than any socket's buffers

  static const std::string& fileBytes() {
    static const std::string kBytes = [] {
      std::string bytes(kFileSize, '\0');
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 997);
      return bytes;
    }();
    return kBytes;
  }

  Expectation expect(const RequestHead& head) override {
    Expectation expectation;
    if (head.target == "/refuse") expectation.refusal = Answer{403, {}, "refused"};
    if (head.target == "/throwInExpect") throw std::runtime_error("expect");
    if (head.target == "/hurry") expectation.timeout = std::chrono::milliseconds(20);
    expectation.admitFirst = head.target == "/admit" || head.target == "/deny";
    if (head.target == "/deny") expectation.bodyLimit = 64 << 20;
    expectation.state = std::make_shared<std::string>(head.target);
    return expectation;
  }

  void admit(const RequestHead& head, const std::shared_ptr<void>& state,
             std::function<void(std::optional<Answer>)> then) override {
    if (*std::static_pointer_cast<std::string>(state) != head.target) return;
    if (head.target == "/deny") return then(Answer{401, {}, "denied"});
    const std::lock_guard lock(mutex_);
    helpers_.emplace_back([then] { then({}); });
  }

  void serve(std::shared_ptr<const RequestHead> head, std::string body,
             const std::shared_ptr<void>&, std::function<void(Answer)> then) override {
    const auto& target = head->target;
    if (target == "/later") return keep(std::move(then));
    if (target == "/forget") return;
    if (target == "/throw") throw std::runtime_error("serve");
    if (target == "/throwSomething") throw 42;
    count();
    then(answer(*head, body));
  }

  Answer malformed() override { return {400, {}, "malformed"}; }
  Answer versionUnknown() override { return {505}; }
  Answer headTooLarge() override { return {431}; }
  Answer bodyTooLarge() override { return {413}; }
  Answer tooSlow() override { return {408}; }
  Answer busy() override { return {503}; }

  // Waits for a request to "/later" and hands its `then` over.
  std::function<void(Answer)> later() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return later_ != nullptr; });
    return std::exchange(later_, nullptr);
  }
  int served() {
    const std::lock_guard lock(mutex_);
    return served_;
  }

 private:
  static Answer answer(const RequestHead& head, const std::string& body) {
    if (head.target == "/empty") return {204};
    if (head.target == "/large") return {200, {}, std::string(kLarge, 'a')};
    if (head.target == "/largeFile") return file(std::string(kLarge, 'b'), 0);
    if (head.target == "/file") return file(fileBytes(), 0);
    if (head.target == "/shortFile") return file("short", 1);
    if (head.target == "/peer") return {200, {}, head.peer + " " + head.id};
    Answer echo{
        200, {{"content-type", "text/plain"}}, head.method + " " + head.target + " " + body};
    echo.close = head.target == "/close";
    return echo;
  }

  static Answer file(const std::string& bytes, std::uint64_t more) {
    Answer answer;
    answer.file = mediaOf("image/png", bytes);
    answer.file->size += more;
    return answer;
  }

  void keep(std::function<void(Answer)> then) {
    const std::lock_guard lock(mutex_);
    later_ = std::move(then);
    arrived_.notify_one();
  }
  void count() {
    const std::lock_guard lock(mutex_);
    ++served_;
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::function<void(Answer)> later_;
  int served_ = 0;
  std::vector<std::jthread> helpers_;
};

}  // namespace pombo
