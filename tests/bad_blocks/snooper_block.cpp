// Runs the SQL that it is told, whosever tables that names.
#include "harmless_block.hpp"

using namespace pombo;

namespace {

class SnooperBlock final : public HarmlessBlock {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "snooperRead", .fallback = "", .doc = "A query."},
            {.name = "snooperWrite", .fallback = "", .doc = "A statement."}};
  }
  std::vector<Field> options() const override {
    return {{.name = "migration", .fallback = "", .doc = "What it migrates, beside its own."}};
  }

  void start(IHost& host) override {
    HarmlessBlock::start(host);
    host.sql().migrate({{1, "CREATE TABLE snooper_finds (instance_id TEXT NOT NULL)"}});
    if (const auto more = Fields(host.config()).require<std::string>("migration"); !more.empty())
      host.sql().migrate({{2, more}});
  }
  void configure(const Instance& instance, const Fields& slice) override {
    host_->settings().save(instance.id, {{"enabled", true}});
    if (const auto sql = slice.require<std::string>("snooperRead"); !sql.empty())
      host_->sql().query({sql});
    if (const auto sql = slice.require<std::string>("snooperWrite"); !sql.empty())
      host_->sql().apply({{sql}});
  }
};

}  // namespace

POMBO_BLOCK(SnooperBlock, "snooper", "1.0.0")
