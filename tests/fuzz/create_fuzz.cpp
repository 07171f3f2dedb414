// The body of POST /api/instance/new, from its bytes to the 201: everything but the disk. Beside
// core there is a plain count of what a body holds.
#include "all_blocks.hpp"
#include "block/field_table.hpp"
#include "http/json_body.hpp"
#include "instance/identity.hpp"
#include "instance/provisioner.hpp"
#include "instance/settings_block.hpp"
#include "pombo/testing/fake_host.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

struct Clock final : IClock {
  TimePoint now() const override { return TimePoint(std::chrono::seconds(1'795'257'000)); }
};

// Blocks keep what they are told in memory of their own: nobody asks for it twice.
class Gateway {
 public:
  Gateway() {
    for (const auto& each : kAllBlocks) add(each.name, each.create(), false);
    add("settings", new SettingsBlock, true);
  }

  Provisioned create(const Json& body) {
    Provisioned made = provisioner_.create({"a-1"}, body);
    for (FakeHost* host : hosts_) clear(*host);
    return made;
  }
  const BlockList& list() const { return registry_.list(); }

 private:
  void add(const char* name, IBlockConfigurator* code, bool flat) {
    auto host = std::make_unique<FakeHost>();
    hosts_.push_back(host.get());
    host->configNode = {{"maxEnabled", 3}, {"timeoutSeconds", 6}};
    Block block{.name = name, .flat = flat, .inPlace = true};
    block.code.reset(code);
    block.fields = code->fields();
    code->start(*host);
    block.host = std::move(host);
    registry_.add(std::move(block));
  }
  static void clear(FakeHost& host) {
    host.documents.clear();
    host.sealed.clear();
    host.statements.clear();
    host.requests.clear();
    host.logLines.clear();
  }

  Clock clock_;
  Log log_{"off"};
  Metrics metrics_;
  Database database_{DatabaseOptions{}};
  Keyring ring_{{toBase64(std::string(32, 'k')), ""}, false};
  Sealer sealer_{database_, ring_};
  BlockStore blocks_{database_, sealer_};
  InstanceStore instances_{database_, sealer_};
  std::vector<FakeHost*> hosts_;
  Registry registry_{readPromises(), log_, metrics_,
                     [](const InstanceId&, const std::string&) { return false; }};
  Provisioner provisioner_{database_, blocks_, instances_, registry_, clock_, log_};
};

Gateway& gateway() {
  static Gateway& one = *new Gateway;
  return one;
}

std::size_t depthOf(const Json& value) {
  std::size_t deepest = 0;
  if (const auto* list = value.if_array())
    for (const auto& item : *list) deepest = std::max(deepest, depthOf(item));
  if (const auto* object = value.if_object())
    for (const auto& member : *object) deepest = std::max(deepest, depthOf(member.value()));
  return deepest + (value.is_structured() ? 1 : 0);
}

std::size_t membersIn(const Json& value) {
  std::size_t count = 0;
  if (const auto* list = value.if_array())
    for (const auto& item : *list) count += membersIn(item);
  if (const auto* object = value.if_object())
    for (const auto& member : *object) count += 1 + membersIn(member.value());
  return count;
}

bool hasDouble(const Json& value) {
  if (const auto* list = value.if_array())
    return std::any_of(list->begin(), list->end(), hasDouble);
  if (const auto* object = value.if_object())
    return std::any_of(object->begin(), object->end(),
                       [](const auto& member) { return hasDouble(member.value()); });
  return value.is_double();
}

// Of a text that is JSON: as many as it has members.
std::size_t colonsIn(std::string_view text) {
  std::size_t count = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (!quoted && text[i] == ':') ++count;
  }
  return count;
}

void checkBody(const std::string& text, const Json& body) {
  require(body.is_object() && depthOf(body) <= 32);
  require(membersIn(body) == colonsIn(text));
  const std::string written = serialize(body);
  if (!hasDouble(body)) require(objectIn(written) == body);
}

// What is a secret of this body, and stands nowhere else in it.
bool hidesMark(const boost::json::object& body) {
  std::size_t hidden = 0;
  const auto look = [&](const std::vector<Field>& table) {
    for (const auto& field : table)
      if (const auto* value = body.if_contains(field.name); value && field.secret)
        if (const auto* secret = value->if_string()) hidden += countOf(*secret, kMark);
  };
  for (const auto& block : gateway().list().all()) look(block.fields);
  return hidden > 0 && hidden == countOf(serialize(body), kMark);
}

// A field of a table that was checked once is as it should be.
void checkTables(const boost::json::object& body) {
  for (const auto& block : gateway().list().all()) {
    boost::json::object slice;
    for (const auto& [key, value] : body)
      if (fieldNamed(block.fields, key)) slice[key] = value;
    try {
      const Json once = checked(block.fields, slice).values;
      require(checked(block.fields, once.as_object()).values == once);
    } catch (const Error& error) {
      require(error.code == Code::invalid);
    }
  }
}

void checkCreated(const Provisioned& made, const boost::json::object& body) {
  const auto& shown = made.shown.as_object();
  require(checkedName(made.instance.name) == made.instance.name);
  require(codePoints(made.instance.name) <= 100);
  for (const auto& block : gateway().list().all()) {
    const Json& part = shown.at(block.name);
    require(part.is_object());
  }
  require(rfc3339(fromMilliseconds(milliseconds(made.instance.createdAt))) ==
          rfc3339(made.instance.createdAt));
  if (!hidesMark(body)) return;
  require(countOf(serialize(made.shown), kMark) == 0);
  for (const auto& warning : made.warnings) require(countOf(warning, kMark) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string detail;
  Json body;
  try {
    body = objectIn(text, &detail);
  } catch (const Error& error) {
    require(error.code == Code::invalid && !detail.empty());
    return 0;
  }
  checkBody(text, body);
  checkTables(body.as_object());
  try {
    checkCreated(gateway().create(body), body.as_object());
  } catch (const Error& error) {
    require(error.code == Code::invalid);
    if (hidesMark(body.as_object())) require(countOf(error.what(), kMark) == 0);
  }
  return 0;
}
