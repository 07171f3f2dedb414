#include "http/reply.hpp"

namespace pombo {
namespace {

const char* const kJson = "application/json; charset=utf-8";

// Every answer may be another one for another page; and which pages may read it is no handler's to
// say.
void varyByOrigin(Headers& headers) {
  std::erase_if(headers,
                [](const auto& header) { return header.first.starts_with("access-control-"); });
  auto& vary = headers["vary"];
  vary += vary.empty() ? "Origin" : ", Origin";
}

Json envelopeOf(const std::string& sentence) {
  return {{"success", false}, {"error", {{"message", sentence}}}};
}

}  // namespace

int statusOf(Code code) {
  switch (code) {
    case Code::invalid:
      return 400;
    case Code::unauthorized:
      return 401;
    case Code::forbidden:
      return 403;
    case Code::notFound:
      return 404;
    case Code::conflict:
      return 409;
    case Code::tooLarge:
      return 413;
    case Code::upgradeRequired:
      return 426;
    case Code::rateLimited:
      return 429;
    case Code::internal:
      return 500;
    case Code::unsupported:
      return 501;
    case Code::refused:
      return 502;
    case Code::unavailable:
      return 503;
    case Code::timedOut:
      return 504;
  }
  return 500;
}

Answer answerOf(const HttpReply& reply) {
  Answer answer{.status = reply.status, .headers = reply.headers};
  varyByOrigin(answer.headers);
  if (reply.file) {
    answer.file = reply.file;
    answer.headers.try_emplace("content-type", reply.file->mimeType);
    return answer;
  }
  if (reply.bytes) {
    answer.body = *reply.bytes;
    return answer;
  }
  answer.headers["content-type"] = kJson;
  // Bare answers, such as the Chatwoot ones, have no room for more keys.
  const auto* body = reply.body.if_object();
  if (reply.warnings.empty() || !body || !body->contains("success")) {
    answer.body = serialize(reply.body);
    return answer;
  }
  boost::json::object warned = *body;
  warned["warnings"] = boost::json::value_from(reply.warnings);
  answer.body = serialize(warned);
  return answer;
}

Answer answerOf(const Refusal& refusal, const ErrorWriter* dialect,
                std::chrono::seconds retryAfter) {
  Json body = envelopeOf(refusal.sentence);
  if (dialect) body = (*dialect)(refusal);
  Answer answer{.status = refusal.status, .body = serialize(body)};
  answer.headers["content-type"] = kJson;
  varyByOrigin(answer.headers);
  if (refusal.code == Code::unauthorized)
    answer.headers["www-authenticate"] = "Bearer realm=\"pombo\"";
  if (retryAfter.count() > 0) answer.headers["retry-after"] = std::to_string(retryAfter.count());
  return answer;
}

HttpReply replyOf(const Error& error) {
  HttpReply reply{.status = statusOf(error.code), .body = envelopeOf(error.what())};
  if (error.retryAfter.count() > 0)
    reply.headers["retry-after"] = std::to_string(error.retryAfter.count());
  return reply;
}

Answer refusalOf(Code code, const std::string& sentence) {
  return answerOf(Refusal{.code = code, .status = statusOf(code), .sentence = sentence}, nullptr,
                  {});
}

Answer closing(Answer answer) {
  answer.close = true;
  return answer;
}

}  // namespace pombo
