// Places for the attempts of one block that are in flight, by what its destinations are known for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace pombo {

// Of a queue: what its last attempt came to, and whether that, or one in flight, is late.
enum class Pace { quick, fresh, slow, failing, hanging };  // fresh: none has ended yet
inline bool mayHang(Pace pace) { return pace != Pace::quick && pace != Pace::slow; }
inline constexpr std::array kPaces{Pace::quick, Pace::fresh, Pace::slow, Pace::failing,
                                   Pace::hanging};

// Each pace has places of its own, which the others cannot take. Nobody knows beforehand who will
// be late: an attempt that is leaves its place to others and goes on in a spare one, so that those
// who answer wait a second for the places of those who do not, once, instead of their whole time.
class Places {
 public:
  enum class At { quick, fresh, slow, failing, hanging, spare };

  explicit Places(int all)
      : left_{part(all, 4), part(all, 16), part(all, 8), part(all, 16), part(all, 8), 0} {
    int given = 0;
    for (const int each : left_) given += each;
    left(At::spare) = std::max(0, all - given);
  }

  bool free(Pace pace) const { return left_[static_cast<std::size_t>(pace)] > 0; }
  At take(Pace pace) {
    const auto at = static_cast<At>(pace);
    --left(at);
    return at;
  }
  void giveBack(At at) { ++left(at); }

  static bool leavesWhenLate(At at) {
    return at == At::quick || at == At::fresh || at == At::failing;
  }
  // False: there is none, and it stays where it is.
  bool moveToSpare(At& from) {
    if (left(At::spare) == 0) return false;
    giveBack(from);
    --left(At::spare);
    from = At::spare;
    return true;
  }

 private:
  static int part(int all, int of) { return std::max(1, all / of); }
  int& left(At at) { return left_[static_cast<std::size_t>(at)]; }

  std::array<int, 6> left_;
};

}  // namespace pombo
