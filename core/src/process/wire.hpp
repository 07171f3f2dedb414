// How everything in the contract is written in a frame. A struct is described here once, member by
// member. What is not, or not in full, does not compile, and what cannot be written at all, such as
// a callback, a view or a reference to change, is no part of the contract.
#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <boost/pfr/tuple_size.hpp>
#include <charconv>
#include <functional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "pombo/block.hpp"

namespace pombo {

template <class T>
consteval bool describesEveryMember() {
  using namespace boost;
  return mp11::mp_size<describe::describe_members<T, describe::mod_any_access>>::value ==
         pfr::tuple_size_v<T>;
}

// The compiler's own name of a value that has none is a cast.
template <auto kValue>
consteval bool isEnumerator() {
  return std::string_view(__PRETTY_FUNCTION__).find("= (") == std::string_view::npos;
}

template <class E>
consteval bool describesEveryEnumerator() {
  constexpr auto kCount = boost::mp11::mp_size<boost::describe::describe_enumerators<E>>::value;
  return isEnumerator<static_cast<E>(kCount - 1)>() && !isEnumerator<static_cast<E>(kCount)>();
}

#define POMBO_CROSSING_ENUM(Enum, ...)    \
  BOOST_DESCRIBE_ENUM(Enum, __VA_ARGS__); \
  static_assert(describesEveryEnumerator<Enum>(), #Enum " has others as well");
#define POMBO_CROSSING(Struct, ...)                \
  BOOST_DESCRIBE_STRUCT(Struct, (), (__VA_ARGS__)) \
  static_assert(describesEveryMember<Struct>(), #Struct " has others as well");

POMBO_CROSSING_ENUM(Access, open, instance, account, admin)
POMBO_CROSSING_ENUM(Bucket, general, create, anonymous, resource, own, none)
POMBO_CROSSING_ENUM(Code, invalid, unauthorized, forbidden, notFound, conflict, tooLarge,
                    upgradeRequired, rateLimited, internal, unsupported, refused, unavailable,
                    timedOut)
POMBO_CROSSING_ENUM(Keep, memory, disk)
POMBO_CROSSING_ENUM(Level, debug, info, warn, error)
POMBO_CROSSING_ENUM(Link::Kind, qr, pairing, connected, later)
POMBO_CROSSING_ENUM(Method, get, post, put, patch, del)
POMBO_CROSSING_ENUM(Need, optional, always, whenEnabled)
POMBO_CROSSING_ENUM(Outcome, done, retry, drop)
POMBO_CROSSING_ENUM(DeliveryStatus, pending, delivered, dead)
POMBO_CROSSING_ENUM(Text, any, printable, host, segment, path)
POMBO_CROSSING_ENUM(Type, boolean, integer, number, string, url, strings, object, objects, any)

POMBO_CROSSING(AccountId, value)
POMBO_CROSSING(InstanceId, value)
POMBO_CROSSING(Instance, id, account, name, connector, status, numberJid, createdAt)
POMBO_CROSSING(Field, name, type, fallback, doc, need, secret, min, max, minLength, maxLength,
               choices, refusal, text, distinct, alias)
POMBO_CROSSING(Media, mimeType, fileName, size, file)
POMBO_CROSSING(Route, method, path, access, summary, query, body, reply, status, failure, bucket,
               perMinute, bodyLimit, slow, budget, tokenHeader, dialect)
POMBO_CROSSING(HttpRequest, id, method, path, remote, params, headers, body, query, fields, given,
               account, instance)
POMBO_CROSSING(HttpReply, status, body, file, bytes, headers, warnings, later)
POMBO_CROSSING(Refusal, code, status, sentence, detail, instance, path, method)
POMBO_CROSSING(OutgoingRequest, method, url, headers, body, timeout, replyLimit, through)
POMBO_CROSSING(IncomingReply, status, headers, body)
POMBO_CROSSING(Event, id, type, instance, at, chat, data, mediaKey)
POMBO_CROSSING(DeliveryRecord, id, event, type, destination, status, attempts, httpStatus, error,
               reason, createdAt, attemptedAt, nextAt)
POMBO_CROSSING(DeliveryQuery, destination, status, ids, since, after, limit)
POMBO_CROSSING(Verdict, outcome, reason, notBefore)
POMBO_CROSSING(Delivery, keep, retries, inFlight, timeout, inner)
POMBO_CROSSING(Proxy, protocol, host, port, username, password)
POMBO_CROSSING(LinkRequest, number, historyDays, proxy)
POMBO_CROSSING(Link, kind, code)
POMBO_CROSSING(Profile, name, pictureUrl, isBusiness, businessName, available)
POMBO_CROSSING(Statement, sql, values)
POMBO_CROSSING(Migration, number, sql)
POMBO_CROSSING(ServerInfo, version, baseUrl)
POMBO_CROSSING(Provisioned, instance, shown, warnings)

// How a call failed.
struct Thrown {
  std::optional<Code> code = {};  // absent: by a bug
  std::string sentence;
  std::chrono::seconds retryAfter{};
  bool operator==(const Thrown&) const = default;
};
POMBO_CROSSING(Thrown, code, sentence, retryAfter)

// Of what is being caught.
inline Thrown caught() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code, error.what(), error.retryAfter};
  } catch (const std::exception& bug) {
    return {{}, bug.what(), {}};
  } catch (...) {
    return {{}, "not a std::exception", {}};
  }
}

// As it was thrown on the other side.
[[noreturn]] inline void raise(const Thrown& failure) {
  if (failure.code) throw Error(*failure.code, failure.sentence, failure.retryAfter);
  throw std::runtime_error(failure.sentence);
}

#undef POMBO_CROSSING
#undef POMBO_CROSSING_ENUM

// The open files that are passed beside a frame. In the frame stands which one is meant.
using Attachments = std::vector<Descriptor>;

struct Packed {
  Json body;
  Attachments attached = {};
};

// Where descriptors are put and found while one value is written or read. Not a parameter, because
// a conversion of Boost.JSON has none to spare; one per thread, because frames are made on many.
// It ends before anybody's code is called, which may write frames of its own.
class AttachmentScope {
 public:
  explicit AttachmentScope(Attachments& files) : outer_(std::exchange(innermost(), &files)) {}
  AttachmentScope(const AttachmentScope&) = delete;
  AttachmentScope& operator=(const AttachmentScope&) = delete;
  ~AttachmentScope() { innermost() = outer_; }

  static Attachments& current() {
    if (!innermost()) throw std::logic_error("a descriptor cannot be written as JSON alone");
    return *innermost();
  }

 private:
  static Attachments*& innermost() {
    thread_local Attachments* files = nullptr;
    return files;
  }
  Attachments* const outer_;
};

inline void tag_invoke(boost::json::value_from_tag, Json& out, const Descriptor& file) {
  if (!file) return out.emplace_null();
  auto& files = AttachmentScope::current();
  out = files.size();
  files.push_back(file);
}
inline Descriptor tag_invoke(boost::json::value_to_tag<Descriptor>, const Json& in) {
  if (in.is_null()) return {};
  return AttachmentScope::current().at(in.to_number<std::size_t>());
}

}  // namespace pombo

// Of types that are not ours. In this namespace, because the tag is what finds them. Templates even
// where one type is meant: what merely converts to it must not come here.
namespace boost::json {

// Times are counts of their own unit.
template <class R, class P>
void tag_invoke(value_from_tag, value& out, const std::chrono::duration<R, P>& time) {
  out = time.count();
}
template <class R, class P>
auto tag_invoke(value_to_tag<std::chrono::duration<R, P>>, const value& in) {
  return std::chrono::duration<R, P>(value_to<R>(in));
}
template <class C, class D>
void tag_invoke(value_from_tag, value& out, const std::chrono::time_point<C, D>& time) {
  out = time.time_since_epoch().count();
}
template <class C, class D>
auto tag_invoke(value_to_tag<std::chrono::time_point<C, D>>, const value& in) {
  return std::chrono::time_point<C, D>(value_to<D>(in));
}

// The kind of JSON says which alternative it is. A double is an object of its own: 2.0 would come
// back as a whole number, NaN as null, and some others with another last bit.
template <std::same_as<std::monostate> Null>
void tag_invoke(value_from_tag, value& out,
                std::variant<Null, std::int64_t, double, std::string> in) {
  if (const auto* real = std::get_if<double>(&in)) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, *real).ptr;
    out = {{"double", string_view(digits, static_cast<std::size_t>(end - digits))}};
  } else if (const auto* whole = std::get_if<std::int64_t>(&in)) {
    out = *whole;
  } else if (const auto* text = std::get_if<std::string>(&in)) {
    out = string_view(*text);
  } else {
    out = nullptr;
  }
}
inline result<pombo::SqlValue> tag_invoke(try_value_to_tag<pombo::SqlValue>, const value& in) {
  if (in.is_null()) return pombo::SqlValue();
  if (const auto* text = in.if_string()) return pombo::SqlValue(std::string(*text));
  if (const auto* whole = in.if_int64()) return pombo::SqlValue(*whole);
  const auto* object = in.if_object();
  const auto* member = object ? object->if_contains("double") : nullptr;
  const auto* digits = member ? member->if_string() : nullptr;
  if (!digits) return make_error_code(error::not_number);
  double real = 0;
  const auto* end = digits->data() + digits->size();
  const auto read = std::from_chars(digits->data(), end, real);
  if (read.ec != std::errc() || read.ptr != end) return make_error_code(error::not_number);
  return pombo::SqlValue(real);
}

// A stored null is not the absence of one.
template <std::same_as<value> Document>
void tag_invoke(value_from_tag, value& out, const std::optional<Document>& in) {
  auto& list = out.emplace_array();
  if (in) list.push_back(*in);
}
template <std::same_as<value> Document>
void tag_invoke(value_from_tag tag, value& out, std::optional<Document>&& in) {
  tag_invoke(tag, out, std::as_const(in));
}
inline result<std::optional<value>> tag_invoke(try_value_to_tag<std::optional<value>>,
                                               const value& in) {
  const auto* list = in.if_array();
  if (!list) return make_error_code(error::not_array);
  return list->empty() ? std::optional<value>() : std::optional<value>(list->front());
}

// The text of a WebSocket frame, which its clients share.
template <std::same_as<const std::string> T>
void tag_invoke(value_from_tag, value& out, const std::shared_ptr<T>& in) {
  if (in) out = string_view(*in);
}
template <std::same_as<const std::string> T>
std::shared_ptr<T> tag_invoke(value_to_tag<std::shared_ptr<T>>, const value& in) {
  return in.is_null() ? nullptr : std::make_shared<T>(value_to<std::string>(in));
}

}  // namespace boost::json

namespace pombo {

std::string written(const Json& body);
// Strings hold any bytes, and a document that was as deep as allowed is deeper inside a frame.
inline Json read(std::string_view text) {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = 128;
  return boost::json::parse({text.data(), text.size()}, {}, options);
}

// Boost.JSON would write the text behind a view or a pointer, and nobody would own it when it is
// read.
template <class T>
inline constexpr bool kOwns = !std::is_pointer_v<T>;
template <class C, class Traits>
inline constexpr bool kOwns<std::basic_string_view<C, Traits>> = false;
template <class T, std::size_t kExtent>
inline constexpr bool kOwns<std::span<T, kExtent>> = false;

template <class T>
concept Crosses = kOwns<T> && std::copy_constructible<T> && boost::json::has_value_from<T>::value &&
    boost::json::has_value_to<T>::value;

// What is changed in place does not come back.
template <class A>
concept Argument = Crosses<std::decay_t<A>> &&
    (!std::is_lvalue_reference_v<A> || std::is_const_v<std::remove_reference_t<A>>);

template <class R>
concept Result = std::is_void_v<R> || Crosses<std::decay_t<R>>;

using Handler = std::function<Packed(const Packed& arguments)>;
using Handlers = std::map<std::string, Handler>;

// The arguments of a call.
template <Argument... A>
Packed pack(const A&... arguments) {
  Packed packed{boost::json::array(), {}};
  const AttachmentScope scope(packed.attached);
  (packed.body.get_array().push_back(boost::json::value_from(arguments)), ...);
  return packed;
}

// The result of one.
template <Crosses R>
Packed packResult(const R& result) {
  Packed packed;
  const AttachmentScope scope(packed.attached);
  packed.body = boost::json::value_from(result);
  return packed;
}
template <Crosses R>
R resultOf(Packed packed) {
  const AttachmentScope scope(packed.attached);
  return boost::json::value_to<R>(packed.body);
}

// What was wrong, without the places in its source that Boost.JSON adds: clients may read it.
inline std::string plainly(const std::exception& error) {
  const auto* const found = dynamic_cast<const boost::system::system_error*>(&error);
  return found ? found->code().message() : error.what();
}

// Arguments, or a result, that are not what the call takes or returns.
struct Mistyped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <Argument... A>
std::tuple<std::decay_t<A>...> argumentsOf(const Packed& packed) {
  try {
    const auto& list = packed.body.as_array();
    auto files = packed.attached;
    const AttachmentScope scope(files);
    return [&]<std::size_t... kAt>(std::index_sequence<kAt...>) {
      return std::tuple<std::decay_t<A>...>{
          boost::json::value_to<std::decay_t<A>>(list.at(kAt))...};
    }
    (std::index_sequence_for<A...>());
  } catch (const std::exception& error) {
    throw Mistyped(plainly(error));
  }
}

// The other end of pack(): decodes the arguments, calls, encodes the result.
template <Argument... A, class Body>
Handler unpacked(Body body) {
  return [body](const Packed& packed) -> Packed {
    auto arguments = argumentsOf<A...>(packed);
    if constexpr (std::is_void_v<decltype(std::apply(body, arguments))>) {
      std::apply(body, arguments);
      return {};
    } else {
      return packResult(std::apply(body, arguments));
    }
  };
}

// A handler that is one method of the contract. `target` says of which object, when the call comes.
template <class Target, class C, Result R, Argument... A>
Handler method(Target target, R (C::*call)(A...)) {
  return unpacked<A...>([=](const auto&... a) -> R { return (target().*call)(a...); });
}
template <class Target, class C, Result R, Argument... A>
Handler method(Target target, R (C::*call)(A...) const) {
  return unpacked<A...>([=](const auto&... a) -> R { return (target().*call)(a...); });
}

}  // namespace pombo
