#include "storage/keyring.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "storage/sealer.hpp"

namespace pombo {
namespace {

MasterKey keyOf(const std::string& base64, const std::string& where) {
  auto bytes = fromBase64(base64);
  if (!bytes || bytes->size() != 32)
    throw std::runtime_error(where + " holds a key that is not 32 bytes in base64");
  Secret key(std::move(*bytes));
  auto id = keyIdOf(key);
  return {std::move(id), std::move(key)};
}

std::runtime_error failed(const std::string& what, const std::string& file) {
  return std::runtime_error(what + " " + file + ": " + std::strerror(errno));
}

// A key file that lost its only line to a power cut would lose every secret.
void writeDurably(const std::string& path, const std::string& text, int flags) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  if (fd < 0) throw failed("cannot create the key file", path);
  const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    ::fsync(fd) == 0;
  ::close(fd);
  if (!good) throw failed("cannot write the key file", path);
}

void syncFolderOf(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Keyring::Keyring(KeySource source, bool mayCreate) : source_(std::move(source)) {
  if (fromFile() && !std::filesystem::exists(source_.file)) {
    if (!mayCreate)
      throw std::runtime_error("the key file " + source_.file +
                               " is missing, and this database was sealed with a key: put it back, "
                               "or give POMBO_MASTER_KEY or security.keyFile");
    // Written aside and linked, so that of two first starts one wins and both read the same key.
    const std::string aside = source_.file + "." + toBase64Url(randomBytes(9));
    std::string line = toBase64(newKey().reveal()) + "\n";
    writeDurably(aside, line, O_EXCL);
    wipe(line);
    const bool linked = ::link(aside.c_str(), source_.file.c_str()) == 0 || errno == EEXIST;
    ::unlink(aside.c_str());
    if (!linked) throw failed("cannot create the key file", source_.file);
    syncFolderOf(source_.file);
  }
  keys_ = read();
}

std::vector<MasterKey> Keyring::read() const {
  std::vector<MasterKey> keys;
  std::string text = source_.environment;
  std::string where = "POMBO_MASTER_KEY";
  if (fromFile()) {
    where = "the key file " + source_.file;
    struct stat info {};
    if (::stat(source_.file.c_str(), &info) != 0)
      throw failed("cannot read the key file", source_.file);
    // What root gives one group, the service's, to read: so it is with systemd's credentials.
    const mode_t tooMuch = info.st_uid == 0 && ::geteuid() != 0 ? 037 : 077;
    if (info.st_mode & tooMuch)
      throw std::runtime_error(where + " can be read by others: chmod 600 it");
    std::ifstream in(source_.file);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (char& c : text)
    if (c == ',') c = '\n';
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) keys.push_back(keyOf(line, where));
  wipe(text);
  if (keys.empty()) throw std::runtime_error(where + " holds no key");
  return keys;
}

void Keyring::write(const std::vector<MasterKey>& keys) const {
  std::string text;
  for (const auto& key : keys) text += toBase64(key.bytes.reveal()) + "\n";
  const std::string aside = source_.file + ".new";
  writeDurably(aside, text, O_TRUNC);
  wipe(text);
  if (::rename(aside.c_str(), source_.file.c_str()) != 0)
    throw failed("cannot replace the key file", source_.file);
  syncFolderOf(source_.file);
}

std::string Keyring::newest() const {
  std::lock_guard lock(mutex_);
  return keys_.front().id;
}

std::vector<std::string> Keyring::ids() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& key : keys_) all.push_back(key.id);
  return all;
}

std::optional<Secret> Keyring::find(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto among = [&]() -> std::optional<Secret> {
    for (const auto* all : {&keys_, &gone_})
      for (const auto& key : *all)
        if (key.id == id) return key.bytes.copy();
    return std::nullopt;
  };
  if (auto key = among()) return key;
  if (!fromFile()) return std::nullopt;
  take(read());
  return among();
}

std::string Keyring::add() {
  std::lock_guard lock(mutex_);
  take(read());  // another rotation may have been here
  Secret fresh = newKey();
  std::string id = keyIdOf(fresh);
  keys_.insert(keys_.begin(), MasterKey{id, std::move(fresh)});
  write(keys_);
  return id;
}

void Keyring::keepOnly(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto kept = read();
  std::erase_if(kept, [&](const MasterKey& key) { return key.id != id; });
  if (kept.empty()) throw std::runtime_error("the key " + id + " is not in the key file");
  write(kept);
  take(std::move(kept));
}

void Keyring::take(std::vector<MasterKey> keys) {
  const auto isAmong = [](const std::vector<MasterKey>& all, const MasterKey& wanted) {
    return std::any_of(all.begin(), all.end(),
                       [&](const MasterKey& each) { return each.id == wanted.id; });
  };
  for (auto& key : keys_)
    if (!isAmong(keys, key) && !isAmong(gone_, key)) gone_.push_back(std::move(key));
  keys_ = std::move(keys);
}

}  // namespace pombo
