// Sealed values, and the texts that keys are read from. The input is cut at its first two line
// feeds: an owner, a key source, and what is to be opened.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "storage/keyring.hpp"
#include "storage/sealer.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

struct Keys {
  Database database{DatabaseOptions{}};
  Keyring ring{{toBase64(std::string(32, 'a')) + "," + toBase64(std::string(32, 'b')), ""}, false};
  Sealer sealer{database, ring};
};

Keys& keys() {
  static Keys all;
  return all;
}

// A file in memory, as only its owner may read it.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("keys", MFD_CLOEXEC)) { require(::fchmod(fd_, 0600) == 0); }
  std::string holding(const std::string& text) const {
    require(::ftruncate(fd_, 0) == 0);
    require(::pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return "/proc/self/fd/" + std::to_string(fd_);
  }

 private:
  const int fd_;
};

// Opens as what was sealed, for its owner, and in no other way.
void checkRoundTrip(const std::string& owner, const std::string& plain) {
  const auto& sealer = keys().sealer;
  const std::string sealed = sealer.seal(owner, plain);
  const auto opened = sealer.open(owner, sealed);
  require(opened && opened->reveal() == plain);
  require(!sealer.open(owner + "/", sealed));
  require(sealer.hashOf(plain) == sealer.hashOf(plain));
  // Any byte of it counts, each time another one.
  static std::size_t turn = 0;
  std::string bytes = *fromBase64(sealed.substr(sealed.find(':') + 1));
  char& byte = bytes[++turn % bytes.size()];
  byte = static_cast<char>(byte ^ (1 << turn % 8));
  const auto tampered = sealer.open(owner, sealer.keyId() + ":" + toBase64(bytes));
  require(!tampered);
  bytes.resize(turn % bytes.size());
  require(!sealer.open(owner, sealer.keyId() + ":" + toBase64(bytes)));
}

// Nobody can make up what opens.
void checkMadeUp(const std::string& owner, const std::string& text) {
  const auto& sealer = keys().sealer;
  require(!sealer.open(owner, text));
  require(!sealer.open(owner, sealer.keyId() + ":" + text));
  require(!sealer.open(owner, sealer.keyId() + ":" + toBase64(text)));
  require(fromBase64(toBase64(text)) == text);
  if (const auto bytes = fromBase64(text)) require(fromBase64(toBase64(*bytes)) == bytes);
}

void checkRing(const KeySource& source) {
  try {
    Keyring ring(source, false);
    const auto ids = ring.ids();
    require(!ids.empty() && ids.front() == ring.newest());
    for (const auto& id : ids) {
      const auto key = ring.find(id);
      require(key && key->reveal().size() == 32 && keyIdOf(*key) == id);
    }
    require(!ring.find("no such key"));
  } catch (const std::runtime_error& error) {
    require(countOf(error.what(), kMark) == 0);
  }
}

// What a file can go through, once: a key is added, rotated to, and left alone.
void checkFile() {
  std::string folder = "/tmp/pombo-fuzz-XXXXXX";
  require(::mkdtemp(folder.data()) != nullptr);
  const std::string file = folder + "/key";
  Keyring ring({"", file}, true);
  Database database{DatabaseOptions{}};
  {
    Sealer sealer(database, ring);
    const std::string before = ring.newest(), sealed = sealer.seal("owner", "plain");
    require(sealer.change([&] { return ring.add(); }) != before && ring.ids().size() == 2);
    database.commit([](Session&) {});  // where it finds out
    require(sealer.keyId() == ring.newest());
    require(sealer.open("owner", sealed)->reveal() == "plain");
    ring.keepOnly(ring.newest());
    require(!Keyring({"", file}, false).find(before));
  }
  require(Sealer(database, ring).keyId() == ring.newest());
  require(Keyring({"", file}, false).newest() == ring.newest());
  require(::unlink(file.c_str()) == 0 && ::rmdir(folder.c_str()) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  checkFile();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto first = std::min(text.find('\n'), size);
  const auto second = std::min(text.find('\n', std::min(first + 1, size)), size);
  const std::string owner = text.substr(0, first);
  const std::string source = first < size ? text.substr(first + 1, second - first - 1) : "";
  const std::string value = second < size ? text.substr(second + 1) : "";
  checkRoundTrip(owner, value);
  checkMadeUp(owner, value);
  if (source.empty()) return 0;
  checkRing({source, ""});
  if (size % 8 == 0) checkRing({"", file.holding(value)});
  return 0;
}
