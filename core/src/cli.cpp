#include "cli.hpp"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>

#include "account/accounts.hpp"
#include "config.hpp"
#include "gateway.hpp"
#include "gateway_options.hpp"
#include "instance/identity.hpp"
#include "instance/rotation.hpp"
#include "observe/audit_log.hpp"
#include "plugin_commands.hpp"

namespace pombo {
namespace {

constexpr auto kHelp = R"(Pombo, a self-hosted WhatsApp gateway

usage: pombo <command> [--config FILE]

  serve                       run the server
  account create NAME         make an account; prints its token, this once
          [--quota N|unlimited] [--create-limit N] [--general-limit N]
          [--origins LIST]    pages that may call: https://a.example,https://b.example or *
  account list                all accounts
  account set NAME            change one
          [--name NEW] [--quota N|unlimited] [--create-limit N] [--general-limit N]
          [--enabled true|false] [--origins LIST]    ("" for none)
  account rotate NAME         give it a new token; prints it, this once
          [--grace SECONDS]   how long the old one stays good (default 0, at most 86400)
  account delete NAME         remove one that has no instances; with its instances:
                              DELETE /api/admin/accounts/ID?force=true
  plugin list                 the blocks of the configuration, whether each would load, and where
                              it would run; and what a running server says of them
          [--server URL]      which one; default: the one that http.listen names
  plugin check FILE.so        what a library says of itself, and its fields and options
  key rotate                  seal everything with a new master key, also beside a running server
  version                     print the version
  help                        print this

FILE defaults to ./config/pombo.yaml, then /etc/pombo/pombo.yaml. Every key in it can be given in
the environment: http.listen is POMBO_HTTP_LISTEN, database is POMBO_DATABASE.
)";

struct Usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The words of a command: those that stand alone, and --option VALUE pairs.
class Words {
 public:
  explicit Words(const std::vector<std::string>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] == "-h") {
        help_ = true;
      } else if (!all[i].starts_with("--")) {
        plain_.push_back(all[i]);
      } else if (const auto equals = all[i].find('='); equals != std::string::npos) {
        options_[all[i].substr(2, equals - 2)] = all[i].substr(equals + 1);
      } else if (all[i] == "--help") {
        help_ = true;
      } else if (all[i] == "--version") {
        plain_.insert(plain_.begin(), "version");
      } else {
        if (i + 1 == all.size()) throw Usage(all[i] + " needs a value");
        options_[all[i].substr(2)] = all[i + 1];
        ++i;
      }
    }
  }

  bool help() const { return help_; }
  std::string next(const std::string& what) {
    if (at_ == plain_.size()) throw Usage(what + " is missing");
    return plain_[at_++];
  }
  std::optional<std::string> option(const std::string& name) {
    const auto it = options_.find(name);
    if (it == options_.end()) return std::nullopt;
    auto value = it->second;
    options_.erase(it);
    return value;
  }
  std::optional<std::int64_t> number(const std::string& name) {
    const auto text = option(name);
    if (!text) return std::nullopt;
    std::int64_t number = 0;
    const char* const end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc() || at != end || number < 0)
      throw Usage("--" + name + " takes a whole number, not '" + *text + "'");
    return number;
  }
  // Nothing: not given. Given and empty: unlimited.
  std::optional<std::optional<std::int64_t>> quota() {
    const auto it = options_.find("quota");
    if (it != options_.end() && it->second == "unlimited") {
      options_.erase(it);
      return std::optional<std::int64_t>();
    }
    const auto given = number("quota");
    if (!given) return std::nullopt;
    return std::optional(std::optional(*given));
  }
  // Separated by commas; of nothing: none.
  std::optional<std::vector<std::string>> list(const std::string& name) {
    const auto text = option(name);
    if (!text) return std::nullopt;
    std::vector<std::string> items;
    std::istringstream in(*text);
    for (std::string item; std::getline(in, item, ',');) items.push_back(item);
    return items;
  }
  // A misspelt option is an error, not something to be without.
  void end() const {
    if (at_ < plain_.size()) throw Usage("'" + plain_[at_] + "' is one word too many");
    if (!options_.empty()) throw Usage("--" + options_.begin()->first + " is not an option here");
  }

 private:
  std::vector<std::string> plain_;
  std::map<std::string, std::string> options_;
  std::size_t at_ = 0;
  bool help_ = false;
};

int serve(const Config& config, const Environment& environment) {
  // Blocked before any thread exists, so that this one alone is told.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Gateway gateway(config, environment);
  gateway.start();
  std::cout << "listening on " << gateway.url() << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // the second one does not wait
  gateway.stop();
  return 0;
}

std::string quotaText(const std::optional<std::int64_t>& quota) {
  return quota ? std::to_string(*quota) : "unlimited";
}

void listAccounts(const Accounts& accounts) {
  std::printf("%-24s %-8s %10s %10s %12s %13s  %-20s  %-36s  %s\n", "NAME", "ENABLED", "INSTANCES",
              "QUOTA", "CREATE/MIN", "GENERAL/MIN", "CREATED", "ID", "ORIGINS");
  for (const auto& account : accounts.list()) {
    std::string origins;
    for (const auto& each : account.origins) origins += (origins.empty() ? "" : ",") + each;
    std::printf("%-24s %-8s %10lld %10s %12lld %13lld  %-20s  %-36s  %s\n", account.name.c_str(),
                account.enabled ? "yes" : "no", static_cast<long long>(account.instances),
                quotaText(account.quota).c_str(), static_cast<long long>(account.createLimit),
                static_cast<long long>(account.generalLimit), rfc3339(account.createdAt).c_str(),
                account.id.value.c_str(), origins.c_str());
  }
}

void print(const Secret& token) { std::cout << token.reveal() << std::endl; }

// Does what the operator has asked for, and tells the audit log what came of it. `details` says on
// what; what is found out on the way is added to it.
class Operator {
 public:
  explicit Operator(const Config& config)
      : log_(std::string(config.log.at("level").as_string())),
        audit_(std::string(config.audit.at("file").as_string()), log_, metrics_) {}

  void act(const std::string& action, boost::json::object details,
           const std::function<void(boost::json::object&)>& what) {
    details["by"] = "cli";
    details["uid"] = ::getuid();
    const auto tell = [&](const char* outcome) {
      audit_.write(action, outcome, std::move(details));
    };
    try {
      what(details);
    } catch (const Error&) {
      tell("refused");
      throw;
    } catch (...) {
      tell("failed");
      throw;
    }
    tell("done");
  }
  // The same for an account that there must be.
  void actOn(Accounts& accounts, const std::string& action, const std::string& name,
             const std::function<void(const AccountId&)>& what) {
    act(action, named(name), [&](boost::json::object& details) {
      const AccountId id = accounts.requireByName(name).id;
      details["account"] = id.value;
      what(id);
    });
  }
  static boost::json::object named(const std::string& name) {
    return {{"accountName", normalized(name).value_or("")}};
  }

 private:
  Log log_;
  Metrics metrics_;
  AuditLog audit_;
};

void createAccount(Accounts& accounts, Operator& op, Words& words) {
  Account account;
  account.name = words.next("the name of the account");
  account.quota = words.quota().value_or(account.quota);
  account.createLimit = words.number("create-limit").value_or(account.createLimit);
  account.generalLimit = words.number("general-limit").value_or(account.generalLimit);
  account.origins = words.list("origins").value_or(account.origins);
  words.end();
  op.act("account.create", Operator::named(account.name), [&](boost::json::object& details) {
    const NewAccount made = accounts.create(account, std::chrono::system_clock::now());
    details["account"] = made.account.id.value;
    print(made.token);
  });
}

void setAccount(Accounts& accounts, Operator& op, Words& words) {
  const std::string name = words.next("the name of the account");
  AccountChange change;
  change.name = words.option("name");
  change.quota = words.quota();
  change.createLimit = words.number("create-limit");
  change.generalLimit = words.number("general-limit");
  change.origins = words.list("origins");
  if (const auto enabled = words.option("enabled")) {
    if (*enabled != "true" && *enabled != "false") throw Usage("--enabled takes true or false");
    change.enabled = *enabled == "true";
  }
  words.end();
  op.actOn(accounts, "account.set", name, [&](const AccountId& id) { accounts.set(id, change); });
}

void rotateAccount(Accounts& accounts, Operator& op, Words& words) {
  const std::string name = words.next("the name of the account");
  const auto grace = std::chrono::seconds(words.number("grace").value_or(0));
  words.end();
  op.actOn(accounts, "account.rotate", name, [&](const AccountId& id) {
    print(accounts.rotate(id, grace, std::chrono::system_clock::now()));
  });
}

int account(Words& words, const Config& config, const Environment& environment) {
  const std::string verb = words.next("what to do with accounts");
  Store store(storeOptionsOf(config, environment));
  Accounts accounts(store.database(), store.sealer());
  if (verb == "list") return words.end(), listAccounts(accounts), 0;
  Operator op(config);
  if (verb == "create") {
    createAccount(accounts, op, words);
  } else if (verb == "set") {
    setAccount(accounts, op, words);
  } else if (verb == "rotate") {
    rotateAccount(accounts, op, words);
  } else if (verb == "delete") {
    const std::string name = words.next("the name of the account");
    words.end();
    op.actOn(accounts, "account.delete", name, [&](const AccountId& id) { accounts.remove(id); });
  } else {
    throw Usage("account knows create, list, set, rotate and delete, not '" + verb + "'");
  }
  return 0;
}

int rotateKey(const Config& config, const Environment& environment) {
  Store store(storeOptionsOf(config, environment));
  Operator(config).act("key.rotate", {}, [&](boost::json::object& details) {
    const auto done = rotate(store);
    details["key"] = done.keyId;
    std::cout << "sealed with key " << done.keyId << ": " << done.values << " values\n";
  });
  if (!store.keyring().fromFile()) std::cout << "now take the old key out of POMBO_MASTER_KEY\n";
  return 0;
}

int dispatch(Words& words) {
  const std::string command = words.next("the command");
  if (command == "help") return std::cout << kHelp, 0;
  if (command == "version") return std::cout << "pombo " << version() << '\n', 0;
  if (command == "plugin") {
    const std::string verb = words.next("what to do with plugins");
    if (verb == "check") {
      const std::string file = words.next("the library");
      words.option("config");  // every command takes one; this one has no use for it
      words.end();
      return checkPlugin(file);
    }
    if (verb != "list") throw Usage("plugin knows list and check, not '" + verb + "'");
  }
  if (command != "plugin" && command != "account" && command != "key" && command != "serve")
    throw Usage("'" + command + "' is not a command");
  const auto environment = processEnvironment();
  const auto file = words.option("config");
  const Config config = readConfig(file ? *file : defaultConfigFile(), environment);
  if (command == "plugin") {
    const auto server = words.option("server");
    return words.end(), listPlugins(config, server), 0;
  }
  if (command == "account") return account(words, config, environment);
  if (command == "key") {
    if (const auto verb = words.next("what to do with the key"); verb != "rotate")
      throw Usage("key knows rotate, not '" + verb + "'");
    words.end();
    return rotateKey(config, environment);
  }
  words.end();
  return serve(config, environment);
}

}  // namespace

int runCommand(const std::vector<std::string>& all) try {
  Words words(all);
  if (words.help() || all.empty()) {
    std::cout << kHelp;
    return all.empty() ? 2 : 0;
  }
  return dispatch(words);
} catch (const Usage& mistake) {
  std::cerr << "pombo: " << mistake.what() << "\nTry 'pombo help'.\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << "pombo: " << error.what() << '\n';
  return 1;
}

}  // namespace pombo
