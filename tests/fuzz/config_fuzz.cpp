// The configuration, and the environment over it. Lines before "%%" are the environment,
// NAME=value; what follows is YAML.
#include <algorithm>
#include <map>

#include "block/field_table.hpp"
#include "config.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

using Variables = std::map<std::string, std::string>;

const std::vector<Field>& tableOfBlock() {
  static const std::vector<Field> table{
      {.name = "maxInFlight", .type = Type::integer, .fallback = 8, .min = 1, .max = 64},
      {.name = "words", .type = Type::strings, .fallback = boost::json::array()},
      {.name = "ratio", .type = Type::number, .fallback = 1.0},
      {.name = "key", .secret = true}};
  return table;
}

std::size_t sizeOf(const Json& value) {
  std::size_t size = 1;
  if (const auto* text = value.if_string()) size += text->size();
  if (const auto* list = value.if_array())
    for (const auto& item : *list) size += sizeOf(item);
  if (const auto* object = value.if_object())
    for (const auto& member : *object) size += member.key().size() + sizeOf(member.value());
  return size;
}

// Every key is there, within its own limits, and nothing else is.
void checkSection(const std::vector<Field>& table, const Json& values) {
  const auto& object = values.as_object();
  require(object.size() == table.size());
  for (const auto& field : table) {
    const Json& value = object.at(field.name);
    require(!value.is_null() || field.fallback.is_null());
    if (field.type == Type::boolean) require(value.is_bool());
    if (field.type == Type::strings) require(value.is_array());
    if (field.min && value.is_int64())
      require(value.get_int64() >= *field.min && value.get_int64() <= *field.max);
    if (!field.choices.empty())
      require(std::find(field.choices.begin(), field.choices.end(),
                        std::string_view(value.as_string())) != field.choices.end());
  }
}

void checkConfig(const Config& config, const Environment& environment) {
  std::size_t at = 0;
  for (const Json* values :
       {&config.http, &config.storage, &config.security, &config.plugins, &config.egress,
        &config.limits, &config.log, &config.metrics, &config.admin, &config.audit, &config.events,
        &config.sockets, &config.link, &config.media})
    checkSection(configSections().at(at++).keys, *values);
  require(at == configSections().size());
  for (const auto& block : config.blocks) {
    checkSection(processKeys(), block.process);
    require(!block.name.empty() && block.budget.count() >= 1 && block.budget.count() <= 600);
    checkSection(tableOfBlock(), optionsOf(block, tableOfBlock(), environment));
  }
}

std::size_t sizeOf(const Config& config) {
  std::size_t size = 0;
  for (const Json* values : {&config.http, &config.plugins, &config.egress, &config.metrics})
    size += sizeOf(*values);
  for (const auto& block : config.blocks) size += sizeOf(block.options);
  return size;
}

// For the operator: the file and the line, and no secret of his.
void checkRefusal(const std::string& reason, const Variables& variables) {
  require(reason.starts_with("pombo.yaml"));
  std::size_t secrets = 0;
  for (const auto& [name, value] : variables) {
    const bool secret = name.ends_with("_TOKEN") || name.ends_with("_KEY");
    if (secret) secrets += countOf(value, kMark);
    if (countOf(secret ? name : name + value, kMark) > 0) return;  // it is in other places, too
  }
  if (secrets > 0) require(countOf(reason, kMark) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.starts_with("%%\n") ? 0 : text.find("\n%%\n");
  const std::string yaml = cut == text.npos ? text : text.substr(text.find("%%\n", cut) + 3);
  Variables variables;
  if (cut != text.npos)
    for (const auto& line : linesOf(text.substr(0, cut))) {
      const auto equals = std::min(line.find('='), line.size());
      variables[line.substr(0, equals)] = equals < line.size() ? line.substr(equals + 1) : "";
    }
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
  try {
    const Config config = parseConfig(yaml, "pombo.yaml", environment);
    // A small file whose aliases make a large one is how memory is used up.
    require(sizeOf(config) <= std::size_t{2} << 20);
    checkConfig(config, environment);
  } catch (const ConfigError& error) {
    checkRefusal(error.what(), yaml.find(kMark) == yaml.npos ? variables : Variables());
  }
  return 0;
}
