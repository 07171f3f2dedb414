// What blocks keep of instances: one row per (instance, block), and the draft of a change to it.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/sealer.hpp"

namespace pombo {

// Nothing in a member means: as it was never there.
struct BlockRow {
  BlockRow() = default;
  BlockRow(const BlockRow&) = default;
  BlockRow(BlockRow&&) = default;
  BlockRow& operator=(const BlockRow&) = default;
  BlockRow& operator=(BlockRow&&) = default;
  ~BlockRow() {
    for (auto& [name, value] : secrets) wipe(value);
  }

  // Nothing is kept; its last failure, if any, does not count.
  bool empty() const { return !document && secrets.empty() && sealed.empty(); }

  std::optional<std::string> document;         // JSON text
  std::map<std::string, std::string> secrets;  // in clear, by name
  std::string sealed;                          // instead of them, as long as nobody asks
  bool unreadable = false;                     // there are secrets and no key opens them
  std::string error;                           // why the last configure failed; empty: it did not
};

// A row that is going to be written must be opened: between its reading and its writing the key may
// be rotated, and what is still sealed under the old one would be lost with it.
enum class Secrets { sealed, opened };

// A new instance's name, token and place in the quota, taken before anyone outside hears of it.
// Shared with blocks that may still ask for it when the creation is long over. Thread-safe.
class Reservation {
 public:
  explicit Reservation(std::function<void()> take) : take_(std::move(take)) {}

  // Takes it, the first time; throws what that threw, and again whenever it is asked.
  void require();
  // Nothing is taken from here on.
  void close();
  bool taken() const;
  std::exception_ptr failure() const;

 private:
  mutable std::mutex mutex_;  // guards all below
  std::function<void()> take_;
  bool taken_ = false;
  std::exception_ptr failure_;
};

// What is being said of one instance while it is created, configured or deleted: reads see it,
// nobody else does, and it reaches the database with the instance or not at all. Each call into a
// block has a part of its own, which counts when the call has come back. Used by one thread at a
// time.
class Draft {
 public:
  explicit Draft(InstanceId id, bool isNew) : id_(std::move(id)), isNew_(isNew) {}

  // While this lives, services called on this thread for this instance use the draft.
  class Scope {
   public:
    explicit Scope(Draft& draft) : outer_(current_) { current_ = &draft; }
    ~Scope() { current_ = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Draft* outer_;
  };
  static Draft* of(const InstanceId&);  // null: none on this thread
  static Draft* current() { return current_; }

  const InstanceId& id() const { return id_; }
  bool isNew() const { return isNew_; }  // the database holds nothing that is not here

  const BlockRow* find(const std::string& block) const;
  BlockRow& put(const std::string& block, BlockRow row) { return rows_[block] = std::move(row); }
  // What became of it where its SQL has failed, instead of what was put. Each run of the job that
  // writes it says so anew: what the last one said holds.
  void refuse(std::map<std::string, BlockRow> rows) { refused_ = std::move(rows); }
  // As the database has it: it is not written.
  void remember(const std::string& block, BlockRow row) { known_[block] = std::move(row); }
  void add(const std::string& block, Statement statement);

  // For one call into a block; knows what this one knows of it.
  std::shared_ptr<Draft> part(const std::string& block) const;
  void take(Draft& part);

  void reserveWith(std::shared_ptr<Reservation> reservation) {
    reservation_ = std::move(reservation);
  }
  // Before something is sent out into the world.
  void reserve() const {
    if (reservation_) reservation_->require();
  }
  bool reserved() const { return reservation_ && reservation_->taken(); }
  std::exception_ptr reservationFailure() const {
    return reservation_ ? reservation_->failure() : nullptr;
  }

  // What was put, whatever became of it.
  const std::map<std::string, BlockRow>& rows() const { return rows_; }
  const std::vector<std::pair<std::string, Statement>>& statements() const { return statements_; }

 private:
  static thread_local Draft* current_;
  InstanceId id_;
  bool isNew_;
  std::shared_ptr<Reservation> reservation_;
  std::map<std::string, BlockRow> refused_, rows_, known_;
  std::vector<std::pair<std::string, Statement>> statements_;  // with the block that wants them
};

struct BlockFailure {
  std::string block;
  std::string reason;  // for the log
};

// Thread-safe.
class BlockStore {
 public:
  BlockStore(Database& database, Sealer& sealer) : database_(database), sealer_(sealer) {}

  // Through the draft of this thread, when there is one. A row that is not there reads as empty.
  BlockRow load(const InstanceId&, const std::string& block, Secrets = Secrets::opened) const;
  // `change` is given the row as it is; the result is written, to the draft or to the database.
  // Throws Error{notFound} when the instance is not there.
  void update(const InstanceId&, const std::string& block,
              const std::function<void(BlockRow&)>& change);
  void apply(const std::string& block, const std::vector<Statement>&);

  // All rows of some instances at once, for lists.
  void preload(const std::vector<InstanceId>&, std::map<InstanceId, Draft>& into) const;

  // Inside a transaction. SQL of a block that fails takes back that block's and nobody else's: it
  // is then the block's failure, in the draft and in the answer.
  std::vector<BlockFailure> write(Session&, Draft&) const;
  // The rows of a draft, as they are written now; kColumns values each.
  std::vector<Values> rowsOf(const Draft&) const;
  static constexpr std::size_t kColumns = 5;
  static void erase(Session&, const InstanceId&);
  // Seals up to `count` rows again that another key than the current one sealed; how many it did.
  int reseal(Session&, int count) const;

 private:
  static std::string ownerOf(const InstanceId& id, const std::string& block) {
    return "block_row/" + id.value + "/" + block;
  }
  BlockRow fetch(Session&, const InstanceId&, const std::string& block) const;
  void open(BlockRow&, const InstanceId&, const std::string& block) const;
  Values valuesOf(const InstanceId&, const std::string& block, const BlockRow&) const;
  void write(Session&, const InstanceId&, const std::string& block, const BlockRow&,
             bool isNew) const;

  Database& database_;
  Sealer& sealer_;
};

}  // namespace pombo
