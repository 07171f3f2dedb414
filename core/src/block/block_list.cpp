#include "block/block_list.hpp"

#include <algorithm>
#include <cctype>

#include "block/field_table.hpp"

namespace pombo {
namespace {

constexpr std::size_t kUsualFields = 8;  // of one block in one request

// `s3Bucket` is a field of s3: the block's name, then an upper-case letter.
bool isFieldOf(const std::string& block, std::string_view field) {
  return field.starts_with(block) && field.size() > block.size() &&
         std::isupper(static_cast<unsigned char>(field[block.size()]));
}

}  // namespace

void BlockList::add(Block block) {
  if (!promises_.find(block.name)) promises_.blocks.push_back(Promises::usual(block.name));
  blocks_.push_back(std::move(block));
}

const Block* BlockList::find(const std::string& name) const {
  const auto it = std::find_if(blocks_.begin(), blocks_.end(),
                               [&](const Block& block) { return block.name == name; });
  return it == blocks_.end() ? nullptr : &*it;
}

std::string BlockList::ownerOf(std::string_view field) const {
  for (const auto& block : blocks_)
    if (block.flat && fieldNamed(block.fields, field)) return block.name;
  for (const auto& promise : promises_.blocks) {
    const Block* block = find(promise.name);
    if (!(block && block->flat) && isFieldOf(promise.name, field)) return promise.name;
  }
  return {};
}

Slices BlockList::slice(const boost::json::object& body,
                        const std::vector<std::string>& own) const {
  Slices slices;
  for (const auto& [key, value] : body) {
    const std::string_view field = key;
    if (std::find(own.begin(), own.end(), field) != own.end()) continue;
    const std::string owner = ownerOf(field);
    const Block* block = find(owner);
    const bool known =
        !owner.empty() && !(block && block->running() && !fieldNamed(block->fields, field));
    if (known)
      slices.fields.try_emplace(owner, kUsualFields, body.storage()).first->second[key] = value;
    else
      slices.warnings.push_back("Unknown field '" + std::string(field) + "' was ignored");
  }
  return slices;
}

bool BlockList::switchesOff(const std::string& name, Slices& slices) const {
  const Block* block = find(name);
  std::vector<Field> unknown;
  if (!block || !block->running())
    unknown.push_back({.name = name + "Enabled", .type = Type::boolean});
  const auto& table = unknown.empty() ? block->fields : unknown;
  const auto& slice = slices.fields.at(name);
  if (!switchedOff(table, slice)) return false;
  const std::string onOff = switchOf(table)->name;
  const bool more = std::any_of(slice.begin(), slice.end(), [&](const auto& each) {
    return each.key() != onOff && !each.value().is_null();
  });
  if (more)
    slices.warnings.push_back("Fields of block '" + name + "' were ignored because '" + onOff +
                              "' is not true");
  return true;
}

std::vector<std::string> BlockList::names() const {
  std::vector<std::string> names;
  for (const auto& block : blocks_) names.push_back(block.name);
  for (const auto& promise : promises_.blocks)
    if (!find(promise.name)) names.push_back(promise.name);
  return names;
}

}  // namespace pombo
