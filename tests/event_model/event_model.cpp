// Runs the model of the event pipeline, a seed after the other.
//   event_model [--seeds N] [--from SEED]   that many runs; 200 from 1
//   event_model --seed N                    one of them again
//   event_model --minutes N                 as many as there is time for
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "world.hpp"

namespace {

using Clock = std::chrono::steady_clock;

void say(const pombo::Tally& sum, std::uint64_t runs, double seconds) {
  const double years = static_cast<double>(sum.simulated) / (365.25 * 86'400'000);
  std::printf(
      "%llu runs, %.1f simulated years in %.1f s: %.0f times real time, %.1f years a minute\n"
      "%lld events, %lld attempts, %lld dead letters, %lld crashes, %lld reads\n",
      static_cast<unsigned long long>(runs), years, seconds,
      static_cast<double>(sum.simulated) / 1000 / seconds, years * 60 / seconds,
      static_cast<long long>(sum.events), static_cast<long long>(sum.attempts),
      static_cast<long long>(sum.dead), static_cast<long long>(sum.crashes),
      static_cast<long long>(sum.loads));
}

void add(pombo::Tally& sum, const pombo::Tally& run) {
  sum.simulated += run.simulated;
  sum.events += run.events;
  sum.attempts += run.attempts;
  sum.dead += run.dead;
  sum.crashes += run.crashes;
  sum.loads += run.loads;
}

}  // namespace

int main(int count, char** words) {
  std::uint64_t from = 1, seeds = 200;
  double minutes = 0;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string word = words[i];
    const auto number = std::strtoull(words[i + 1], nullptr, 10);
    if (word == "--seed") from = number, seeds = 1;
    if (word == "--seeds") seeds = number;
    if (word == "--from") from = number;
    if (word == "--minutes") minutes = std::strtod(words[i + 1], nullptr);
  }
  const auto began = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - began).count(); };
  pombo::Tally sum;
  std::uint64_t runs = 0;
  for (; minutes > 0 ? seconds() < minutes * 60 : runs < seeds; ++runs) try {
      add(sum, pombo::World(from + runs).run());
    } catch (const std::exception& broken) {
      std::printf("violated: %s; again: event_model --seed %llu\n", broken.what(),
                  static_cast<unsigned long long>(from + runs));
      return 1;
    }
  say(sum, runs, seconds());
  return 0;
}
