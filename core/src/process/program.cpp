#include "process/program.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "process/channel.hpp"
#include "process/protocol.hpp"
#include "process/sandbox.hpp"

namespace pombo {
namespace {

std::uint64_t newPass() {
  std::uint64_t pass = 0;
  if (::getrandom(&pass, sizeof pass, 0) != sizeof pass)
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return pass;
}

// The program cannot know; whoever asks for protection should not have to believe it either.
void tellConfined(const std::vector<std::string>& protection) {
  Channel(::dup(kPipe), std::chrono::seconds(0))
      .send({.call = "confined", .packed = pack(protection)});
}

}  // namespace

void becomeProgram(const std::string& name, const std::string& program,
                   const ProcessLimits& limits) {
  // Stays open: a script is read by this number.
  const int file = ::open(program.c_str(), O_RDONLY);
  if (file < 0) throw std::system_error(errno, std::generic_category(), program);
  const std::uint64_t pass = newPass();
  tellConfined(enterSandbox(name, file, limits, pass));
  std::string given[] = {program, "", boost::json::serialize(boost::json::value_from(limits))};
  char* const arguments[] = {given[0].data(), given[1].data(), given[2].data(), nullptr};
  ::syscall(SYS_execveat, file, "", arguments, environ, AT_EMPTY_PATH, pass);
  throw std::system_error(errno, std::generic_category(), program);
}

}  // namespace pombo
