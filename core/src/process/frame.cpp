#include "process/frame.hpp"

namespace pombo {
namespace {

constexpr std::size_t kLongestName = 64;

std::uint64_t numberAt(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value ? value->to_number<std::uint64_t>() : 0;
}

Frame parsed(const boost::json::object& object, Attachments attached) {
  Frame frame;
  frame.id = numberAt(object, "id");
  frame.in = numberAt(object, "in");
  frame.packed.attached = std::move(attached);
  if (const auto* call = object.if_contains("call")) {
    frame.call = call->as_string();
    if (frame.call.empty() || frame.call.size() > kLongestName)
      throw Malformed("the name of a call has 1 to 64 characters");
    if (const auto* within = object.if_contains("within"))
      frame.within = within->to_number<std::int64_t>();
    frame.packed.body = object.at("with").as_array();
  } else if (const auto* failure = object.if_contains("failure")) {
    frame.failure = boost::json::value_to<Thrown>(*failure);
  } else {
    frame.packed.body = object.at("result");
  }
  if (frame.call.empty() && !frame.id) throw Malformed("an answer to nothing");
  return frame;
}

}  // namespace

std::string textOf(const Frame& frame) {
  boost::json::object object;
  if (frame.id) object["id"] = frame.id;
  if (frame.in) object["in"] = frame.in;
  if (!frame.call.empty()) {
    object["call"] = frame.call;
    if (frame.within) object["within"] = *frame.within;
    object["with"] = frame.packed.body;
  } else if (frame.failure) {
    object["failure"] = boost::json::value_from(*frame.failure);
  } else {
    object["result"] = frame.packed.body;
  }
  return written(object);
}

Frame frameOf(const std::string& text, Attachments attached) {
  try {
    Frame frame = parsed(read(text).as_object(), std::move(attached));
    frame.size = text.size();
    return frame;
  } catch (const Malformed&) {
    throw;
  } catch (const std::exception& error) {
    throw Malformed(plainly(error));
  }
}

}  // namespace pombo
