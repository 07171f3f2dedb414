// Log, metrics and clock in memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pombo/observe.hpp"

namespace pombo {

struct LogLine {
  Level level = Level::info;
  std::string message;
  Json fields;
};

class FakeObserve : public ILogger, public IMetrics, public IClock {
 public:
  std::vector<LogLine> logLines;
  std::map<std::string, double> counters;  // by name: the sum
  std::map<std::string, double> gauges;    // by name: the last value
  TimePoint time{};                        // what the clock says; the test moves it

 private:
  void write(Level level, const std::string& message, const Json& fields) override {
    logLines.push_back({level, message, fields});
  }
  void count(const std::string& name, double by) override { counters[name] += by; }
  void observe(const std::string& name, double value) override { gauges[name] = value; }
  TimePoint now() const override { return time; }
};

}  // namespace pombo
