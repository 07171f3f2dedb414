#include "observe/logger.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "observe/request_scope.hpp"
#include "observe/timestamp.hpp"

namespace pombo {
namespace {

spdlog::level::level_enum levelOf(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

const char* wordOf(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

constexpr std::size_t kLongestLine = 16 * 1024;  // of a block
constexpr std::size_t kCutTo = 1024;

// The beginning of a text, not ending inside of a character.
std::string_view beginningOf(std::string_view text) {
  std::size_t end = std::min(text.size(), kCutTo);
  while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

class Log::Sink {
 public:
  explicit Sink(spdlog::level::level_enum level)
      : logger_("pombo", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%v");
    logger_.set_level(level);
    logger_.flush_on(spdlog::level::warn);
  }

  bool enabled(Level level) const { return logger_.should_log(levelOf(level)); }

  void write(Level level, const std::string* block, const std::string& message,
             const Json& fields) {
    if (!enabled(level)) return;
    logger_.log(levelOf(level), textOf(level, block, message, fields));
  }

  void writeAlways(const std::string& line) {
    for (const auto& sink : logger_.sinks()) {
      sink->log({logger_.name(), spdlog::level::info, line});
      sink->flush();
    }
  }

  void writeCut(Level level, const std::string& block, const std::string& message,
                const Json& fields) {
    std::string text = textOf(level, &block, message, fields);
    if (text.size() > kLongestLine)
      text = textOf(level, &block, beginningOf(message), {{"cutFrom", text.size()}});
    logger_.log(levelOf(level), text);
  }

 private:
  static std::string textOf(Level level, const std::string* block, std::string_view message,
                            const Json& fields) {
    unsigned char memory[4096];
    boost::json::monotonic_resource resource(memory);
    boost::json::object line(&resource);
    line["time"] = timestamp(std::chrono::system_clock::now());
    line["level"] = wordOf(level);
    line["message"] = message;
    if (block) line["block"] = *block;
    if (const auto* request = RequestScope::current(); request && !request->id().empty())
      line["request"] = request->id();
    // What core says of a line is not for its writer to change.
    if (const auto* more = fields.if_object())
      for (const auto& [key, value] : *more) line.emplace(key, value);
    return serialize(line);
  }

  spdlog::logger logger_;
};

class Log::BlockLog final : public ILogger {
 public:
  BlockLog(std::shared_ptr<Sink> sink, std::string block, std::shared_ptr<LineAllowance> allowance)
      : sink_(std::move(sink)), block_(std::move(block)), allowance_(std::move(allowance)) {}
  void write(Level level, const std::string& message, const Json& fields) override {
    if (!allowance_) return sink_->write(level, &block_, message, fields);
    if (sink_->enabled(level) && allowance_->take(std::chrono::steady_clock::now()))
      sink_->writeCut(level, block_, message, fields);
  }

 private:
  const std::shared_ptr<Sink> sink_;
  const std::string block_;
  const std::shared_ptr<LineAllowance> allowance_;  // null: none is needed
};

Log::Log(const std::string& level, int blockLinesPerSecond)
    : blockLinesPerSecond_(blockLinesPerSecond) {
  const auto known = spdlog::level::from_str(level == "error" ? "err" : level);
  if (known == spdlog::level::off && level != "off")
    throw std::runtime_error("log.level is '" + level +
                             "', not one of debug, info, warn, error, off");
  sink_ = std::make_shared<Sink>(known);
}

Log::~Log() = default;

bool Log::enabled(Level level) const { return sink_->enabled(level); }

void Log::write(Level level, const std::string& message, const Json& fields) {
  sink_->write(level, nullptr, message, fields);
}

void Log::writeAlways(const std::string& line) { sink_->writeAlways(line); }

std::unique_ptr<ILogger> Log::of(const std::string& block) {
  return std::make_unique<BlockLog>(sink_, block, nullptr);
}

std::unique_ptr<ILogger> Log::limited(const std::string& block) {
  std::lock_guard lock(mutex_);
  auto& allowance = allowances_[block];
  if (!allowance) allowance = std::make_shared<LineAllowance>(blockLinesPerSecond_);
  return std::make_unique<BlockLog>(sink_, block, allowance);
}

std::map<std::string, std::uint64_t> Log::tellDropped() {
  std::map<std::string, std::uint64_t> lost;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [block, allowance] : allowances_)
      if (const auto lines = allowance->dropped()) lost[block] = lines;
  }
  for (const auto& [block, lines] : lost)
    sink_->write(Level::warn, &block, "Log lines were dropped", {{"lines", lines}});
  return lost;
}

}  // namespace pombo
