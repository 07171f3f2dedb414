#include "http/json_body.hpp"

#include <string.h>

#include <boost/json/basic_parser_impl.hpp>

namespace pombo {
namespace {

namespace json = boost::json;

class WipingMemory final : public json::memory_resource {
 private:
  // No JSON value needs more than the usual alignment, and Boost.JSON asks with one for its keys
  // and gives them back with another.
  void* do_allocate(std::size_t size, std::size_t) override { return ::operator new(size); }
  void do_deallocate(void* memory, std::size_t size, std::size_t) override {
    ::explicit_bzero(memory, size);
    ::operator delete(memory);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return &other == this; }
};

// Builds the value and counts: Boost.JSON keeps the last of two equal keys and says nothing, but
// the object then has fewer members than were read.
struct Builder {
  static constexpr std::size_t max_object_size = 1'000;
  static constexpr std::size_t max_array_size = 10'000;
  static constexpr std::size_t max_key_size = 1 << 20;
  static constexpr std::size_t max_string_size = 64 << 20;

  json::value_stack stack;
  std::size_t members = 0;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t n, json::error_code&) {
    members += n;
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t n, json::error_code&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view rest, std::size_t, json::error_code&) {
    stack.push_key(rest);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view rest, std::size_t, json::error_code&) {
    stack.push_string(rest);
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t n, json::string_view, json::error_code&) {
    stack.push_int64(n);
    return true;
  }
  bool on_uint64(std::uint64_t n, json::string_view, json::error_code&) {
    stack.push_uint64(n);
    return true;
  }
  bool on_double(double n, json::string_view, json::error_code&) {
    stack.push_double(n);
    return true;
  }
  bool on_bool(bool b, json::error_code&) {
    stack.push_bool(b);
    return true;
  }
  bool on_null(json::error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

std::size_t membersIn(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += membersIn(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) count += membersIn(item);
  }
  return count;
}

// One for all: each value that counts its memory's owners would do so on every copy.
json::memory_resource* wipingMemory() {
  static auto* const memory = new WipingMemory;  // values may outlive everything else
  return memory;
}

[[noreturn]] void refuse(std::string* detail, const std::string& why) {
  if (detail) *detail = why;
  throw Error(Code::invalid, "Invalid request body");
}

}  // namespace

Json objectIn(const std::string& body, std::string* detail) {
  const json::storage_ptr memory = wipingMemory();
  if (body.find_first_not_of(" \t\r\n") == body.npos) return json::object(memory);
  json::parse_options options;
  options.max_depth = 32;
  json::basic_parser<Builder> parser(options);
  parser.handler().stack.reset(memory);
  json::error_code error;
  const auto used = parser.write_some(false, body.data(), body.size(), error);
  if (error) refuse(detail, error.message());
  if (body.find_first_not_of(" \t\r\n", used) != body.npos) refuse(detail, "more than one value");
  Json value = parser.handler().stack.release();
  if (!value.is_object()) refuse(detail, "not an object");
  if (membersIn(value) != parser.handler().members) refuse(detail, "a key stands there twice");
  return value;
}

}  // namespace pombo
