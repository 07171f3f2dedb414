#include "observe/logger.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <stdexcept>

#include "observe/request_scope.hpp"

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

std::string timeNow() {
  const auto now = std::chrono::system_clock::now();
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(millis % 1000));
  return text;
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
    unsigned char memory[4096];
    boost::json::monotonic_resource resource(memory);
    boost::json::object line(&resource);
    line["time"] = timeNow();
    line["level"] = wordOf(level);
    line["message"] = message;
    if (block) line["block"] = *block;
    if (const auto* request = RequestScope::current(); request && !request->id().empty())
      line["request"] = request->id();
    // What core says of a line is not for its writer to change.
    if (const auto* more = fields.if_object())
      for (const auto& [key, value] : *more) line.emplace(key, value);
    logger_.log(levelOf(level), serialize(line));
  }

 private:
  spdlog::logger logger_;
};

namespace {

template <class Sink>
class BlockLog final : public ILogger {
 public:
  BlockLog(std::shared_ptr<Sink> sink, std::string block)
      : sink_(std::move(sink)), block_(std::move(block)) {}
  void write(Level level, const std::string& message, const Json& fields) override {
    sink_->write(level, &block_, message, fields);
  }

 private:
  std::shared_ptr<Sink> sink_;
  const std::string block_;
};

}  // namespace

Log::Log(const std::string& level) {
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

std::unique_ptr<ILogger> Log::of(const std::string& block) {
  return std::make_unique<BlockLog<Sink>>(sink_, block);
}

}  // namespace pombo
