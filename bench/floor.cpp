// The least that a durable creation can cost: rows of the same size into one table with three
// unique indexes, through SQLite's own API, one writer that commits for all who wait.
//
//   bench_floor DIRECTORY --clients 64 --seconds 2 --bytes 1200 --synchronous full
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string directory;
  int clients = 64;
  double seconds = 2;
  std::size_t bytes = 1200;
  std::string synchronous = "full";
  // As the server has it, so that the ratio compares the work and not the checkpoints.
  int walPages = 4000;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_floor: %s\n", what.c_str());
  std::exit(2);
}

Options optionsFrom(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--")) {
      options.directory = name;
      continue;
    }
    if (++i == argc) fail("a value is missing after " + std::string(name));
    if (name == "--clients")
      options.clients = std::atoi(argv[i]);
    else if (name == "--seconds")
      options.seconds = std::atof(argv[i]);
    else if (name == "--bytes")
      options.bytes = static_cast<std::size_t>(std::atol(argv[i]));
    else if (name == "--synchronous")
      options.synchronous = argv[i];
    else if (name == "--wal-pages")
      options.walPages = std::atoi(argv[i]);
    else
      fail("unknown option " + std::string(name));
  }
  if (options.directory.empty()) fail("which directory?");
  return options;
}

struct Row {
  std::string id, name, tokenHash, rest;
  std::atomic<bool> done{false};
};

class Store {
 public:
  explicit Store(const Options& options) {
    const std::string path = options.directory + "/floor.db";
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) fail("cannot open " + path);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=" + options.synchronous);
    run("PRAGMA wal_autocheckpoint=" + std::to_string(options.walPages));
    run("CREATE TABLE instance (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
        "token_hash TEXT NOT NULL UNIQUE, rest TEXT NOT NULL)");
    begin_ = prepare("BEGIN IMMEDIATE");
    insert_ = prepare("INSERT INTO instance VALUES (?, ?, ?, ?)");
    commit_ = prepare("COMMIT");
  }
  ~Store() {
    for (auto* each : {begin_, insert_, commit_}) sqlite3_finalize(each);
    sqlite3_close(db_);
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  void write(const std::vector<Row*>& rows) {
    step(begin_);
    for (const Row* row : rows) {
      bind(1, row->id);
      bind(2, row->name);
      bind(3, row->tokenHash);
      bind(4, row->rest);
      step(insert_);
    }
    step(commit_);
  }

 private:
  void run(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      fail(sql + ": " + sqlite3_errmsg(db_));
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK)
      fail(std::string(sql) + ": " + sqlite3_errmsg(db_));
    return statement;
  }
  void bind(int at, const std::string& text) {
    sqlite3_bind_text(insert_, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_errmsg(db_));
    sqlite3_reset(statement);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
};

class Queue {
 public:
  void push(Row& row) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(&row);
    }
    wake_.notify_one();
  }
  // Empty: closed, and nobody waits any more.
  std::vector<Row*> take() {
    std::vector<Row*> batch;
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
    batch.swap(waiting_);
    return batch;
  }
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<Row*> waiting_;
  bool closed_ = false;
};

std::string randomText(std::mt19937_64& random, std::size_t length) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text(length, ' ');
  for (char& c : text) c = kAlphabet[random() % kAlphabet.size()];
  return text;
}

// Each inserts rows one after the other; returns how long each took, in microseconds.
std::vector<std::uint32_t> client(int number, const Options& options, Queue& queue,
                                  Clock::time_point end) {
  std::mt19937_64 random(static_cast<std::uint64_t>(number) + 1);
  std::vector<std::uint32_t> times;
  const std::string filler = randomText(random, options.bytes);
  for (std::uint64_t n = 0; Clock::now() < end; ++n) {
    const auto start = Clock::now();
    Row row;
    // Ids grow with time as UUIDv7 do, hashes are random.
    char id[64];
    std::snprintf(id, sizeof id, "%016llx-%04x-%014llx",
                  static_cast<unsigned long long>(start.time_since_epoch().count()),
                  static_cast<unsigned>(number), static_cast<unsigned long long>(n));
    row.id.assign(id, 36);
    row.name = "bench-" + std::to_string(number) + "-" + std::to_string(n);
    row.tokenHash = randomText(random, 43);
    const std::size_t keys = row.id.size() + row.name.size() + row.tokenHash.size();
    row.rest = filler.substr(0, options.bytes > keys ? options.bytes - keys : 0);
    queue.push(row);
    row.done.wait(false);
    times.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count()));
  }
  return times;
}

std::uint32_t percentile(std::vector<std::uint32_t>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = optionsFrom(argc, argv);
  Store store(options);
  Queue queue;
  long long commits = 0;
  std::thread writer([&] {
    for (;;) {
      const auto batch = queue.take();
      if (batch.empty()) return;
      store.write(batch);
      ++commits;
      for (Row* row : batch) {
        row->done = true;
        row->done.notify_one();
      }
    }
  });

  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(options.seconds));
  std::vector<std::vector<std::uint32_t>> times(static_cast<std::size_t>(options.clients));
  std::vector<std::thread> clients;
  for (int i = 0; i < options.clients; ++i)
    clients.emplace_back(
        [&, i] { times[static_cast<std::size_t>(i)] = client(i, options, queue, end); });
  for (auto& each : clients) each.join();
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  queue.close();
  writer.join();

  std::vector<std::uint32_t> all;
  for (const auto& each : times) all.insert(all.end(), each.begin(), each.end());
  const auto p50 = percentile(all, 0.50);
  const auto p99 = percentile(all, 0.99);
  std::printf(
      "{\"rowsPerSecond\": %.1f, \"commitsPerSecond\": %.1f, \"rows\": %zu, \"p50\": %u, "
      "\"p99\": %u}\n",
      static_cast<double>(all.size()) / took, static_cast<double>(commits) / took, all.size(), p50,
      p99);
}
