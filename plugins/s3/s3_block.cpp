#include <array>
#include <cctype>
#include <mutex>

#include "bucket_client.hpp"
#include "bucket_probe.hpp"
#include "pombo/block.hpp"

namespace {

using namespace pombo;

// Where the bucket is and what opens it are one sealed text: they change together, and whoever
// uploads never signs for one bucket with the key of another.
const std::string kSealed = "bucket";

// What most services that are not AWS call their only region.
const std::string kUsualRegion = "us-east-1";

// Three requests of this long stay well within the time of the one that asks for them.
constexpr std::chrono::milliseconds kProbeTimeout{4'000};
constexpr std::uint64_t kProbeReply = 64 << 10;

const std::string kEndpointDoc =
    "Of a service that is not AWS. The bucket is in the path, unless the host is the bucket's name "
    "in front of a service's: one that begins with s3, as in media.s3.example, or of three labels "
    "or more. A bucket that happens to be called like the first label of such a host is taken for "
    "one in the host; then the service needs another host name.";

// "s3Bucket" in a create request, "bucket" in the block's own route.
std::string named(const std::string& prefix, std::string word) {
  if (!prefix.empty()) word[0] = static_cast<char>(std::toupper(word[0]));
  return prefix + word;
}

std::vector<Field> tableOf(const std::string& prefix) {
  const auto name = [&](const char* word) { return named(prefix, word); };
  const bool route = prefix.empty();
  return {{.name = name("enabled"),
           .type = Type::boolean,
           .fallback = false,
           .doc = "Stores media in the bucket; false clears all of it, the keys too.",
           .need = route ? Need::always : Need::optional},
          {.name = name("region"),
           .doc = "Required when enabled; us-east-1 when there is an endpoint and no region.",
           .maxLength = 64,
           .text = Text::host},
          {.name = name("bucket"),
           .doc = "Must exist already; required when enabled.",
           .need = Need::whenEnabled,
           .maxLength = 255,
           .text = Text::segment},
          {.name = name("accessKey"),
           .doc = "Required when enabled.",
           .need = Need::whenEnabled,
           .maxLength = 1024,
           .text = Text::printable},
          {.name = name("secretKey"),
           .doc = "Required when enabled, but where the access key stays the same.",
           .need = route ? Need::optional : Need::whenEnabled,
           .secret = true,
           .maxLength = 1024,
           .text = Text::printable},
          {.name = name("endpoint"), .type = Type::url, .doc = kEndpointDoc, .maxLength = 2048},
          {.name = name("pathPrefix"),
           .doc = "The folder in the bucket; a slash in front of it is dropped.",
           .maxLength = 512,
           .text = Text::path}};
}

// The schema of what both routes answer; only one of them has words for it.
Json replyOf(const char* message) {
  Json reply = boost::json::parse(R"json({
    "type": "object",
    "required": ["success", "s3"],
    "properties": {
      "success": {"const": true},
      "s3": {
        "type": "object",
        "required": ["enabled", "region", "bucket", "accessKey", "secretKey", "endpoint",
                     "pathPrefix"],
        "properties": {
          "enabled": {"type": "boolean"},
          "region": {"type": ["string", "null"]},
          "bucket": {"type": ["string", "null"]},
          "accessKey": {"type": ["string", "null"]},
          "secretKey": {"type": "null", "description": "Never shown."},
          "endpoint": {"type": ["string", "null"]},
          "pathPrefix": {"type": ["string", "null"]}}}}})json");
  if (message) {
    reply.at("required").as_array().emplace_back("message");
    reply.at("properties").as_object()["message"] = {{"const", message}};
  }
  return reply;
}

constexpr auto kUpdated = "S3 configuration updated";

// Clients take a folder named "." out of a URL, and the signature would be another's.
bool hasDotFolder(const std::string& path) {
  return ("/" + path + "/").find("/./") != std::string::npos;
}

[[noreturn]] void refuse(const std::string& field, const std::string& rest) {
  throw Error(Code::invalid, "The '" + field + "' field " + rest);
}

s3::BucketClient clientOf(const s3::Bucket& bucket, IHost& host) {
  const auto send = [&host](const s3::Request& request) -> s3::Reply {
    const Method method = request.verb == s3::Verb::put   ? Method::put
                          : request.verb == s3::Verb::del ? Method::del
                                                          : Method::get;
    try {
      auto reply = host.http().send({.method = method,
                                     .url = request.url,
                                     .headers = request.headers,
                                     .body = request.body,
                                     .timeout = kProbeTimeout,
                                     .replyLimit = kProbeReply});
      return {reply.status, std::move(reply.headers), std::move(reply.body)};
    } catch (const Error& error) {
      throw s3::BucketError(std::string("the endpoint gave no answer (") + error.what() + ")");
    }
  };
  return {bucket, send, [&host] { return host.clock().now(); }};
}

// The bucket that an instance's media are stored in.
class S3Block final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override { return tableOf("s3"); }

  void start(IHost& host) override {
    host_ = &host;
    host.routes().add({.path = "/api/instance/getS3/:instance",
                       .summary = "The bucket of the instance",
                       .reply = replyOf(nullptr),
                       .failure = "Failed to get S3 configuration"},
                      [this](const HttpRequest& request) -> HttpReply {
                        return {.body = {{"success", true}, {"s3", summary(*request.instance)}}};
                      });
    host.routes().add({.method = Method::post,
                       .path = "/api/instance/s3/:instance",
                       .summary = "Sets or clears the bucket of the instance",
                       .query = {{.name = "verify",
                                  .fallback = "false",
                                  .doc = "First writes, reads and deletes an object of one byte.",
                                  .choices = {"true", "false"}}},
                       .body = tableOf(""),
                       .reply = replyOf(kUpdated),
                       .failure = "Failed to update S3 configuration",
                       .slow = true},
                      [this](const HttpRequest& request) { return update(request); });
  }

  void configure(const Instance& instance, const Fields& slice) override {
    keep(instance.id, read(instance.id, slice, "s3"), "s3");
  }

  Json summary(const Instance& instance) override {
    boost::json::object shown{{"enabled", false},     {"region", nullptr},    {"bucket", nullptr},
                              {"accessKey", nullptr}, {"secretKey", nullptr}, {"endpoint", nullptr},
                              {"pathPrefix", nullptr}};
    const auto known = find(instance.id);
    if (!known) return shown;
    const auto textOrNull = [](const std::string& text) {
      return text.empty() ? Json() : Json(boost::json::string(text));
    };
    shown["enabled"] = true;
    shown["region"] = known->bucket.region;
    shown["bucket"] = known->bucket.name;
    shown["accessKey"] = known->bucket.accessKey;
    shown["endpoint"] = textOrNull(known->bucket.endpoint);
    shown["pathPrefix"] = textOrNull(known->pathPrefix);
    return shown;
  }

 private:
  struct Store {
    s3::Bucket bucket;
    std::string pathPrefix;    // empty: the root of the bucket
    bool withKeptKey = false;  // the secret key is the one that is kept already
  };

  HttpReply update(const HttpRequest& request) {
    const auto wanted = read(request.instance->id, Fields(request.fields), "");
    if (wanted && Fields(request.query).require<std::string>("verify") == "true") verify(*wanted);
    keep(request.instance->id, wanted, "");
    return {.body = {{"success", true}, {"message", kUpdated}, {"s3", summary(*request.instance)}}};
  }

  void verify(const Store& wanted) {
    try {
      s3::probe(clientOf(wanted.bucket, *host_), wanted.pathPrefix);
    } catch (const s3::BucketError& error) {
      throw Error(Code::invalid, std::string("S3 bucket is not reachable: ") + error.what());
    }
  }

  // Nothing: it is switched off. Types, lengths and characters are checked by now.
  std::optional<Store> read(const InstanceId& id, const Fields& given, const std::string& prefix) {
    const auto text = [&](const char* word) {
      return given.get<std::string>(named(prefix, word), "");
    };
    if (!given.require<bool>(named(prefix, "enabled"))) return std::nullopt;
    Store wanted{.bucket = {.endpoint = text("endpoint"),
                            .region = text("region"),
                            .name = text("bucket"),
                            .accessKey = text("accessKey"),
                            .secretKey = text("secretKey")},
                 .pathPrefix = text("pathPrefix")};
    auto& bucket = wanted.bucket;
    if (bucket.region.empty() && bucket.endpoint.empty())
      refuse(named(prefix, "region"), "is required");
    // It is a part of the host's name there; elsewhere it is any word of the service's.
    if (bucket.endpoint.empty() && !s3::isDnsLabel(bucket.region))
      refuse(named(prefix, "region"), "contains characters that are not allowed");
    if (bucket.region.empty()) bucket.region = kUsualRegion;
    wanted.withKeptKey = bucket.secretKey.empty();
    if (wanted.withKeptKey) bucket.secretKey = keptKey(id, bucket.accessKey, prefix);
    if (!bucket.endpoint.empty()) host_->http().requireAllowed(bucket.endpoint);
    // Paths are appended to it.
    if (bucket.endpoint.find_first_of("?#") != std::string::npos)
      refuse(named(prefix, "endpoint"), "must be a valid http or https URL");
    wanted.pathPrefix.erase(0, wanted.pathPrefix.find_first_not_of('/'));
    if (hasDotFolder(wanted.pathPrefix))
      refuse(named(prefix, "pathPrefix"), "contains characters that are not allowed");
    return wanted;
  }

  std::string keptKey(const InstanceId& id, const std::string& accessKey,
                      const std::string& prefix) const {
    const auto known = find(id);
    if (!known || known->bucket.accessKey != accessKey)
      refuse(named(prefix, "secretKey"), "is required");
    return known->bucket.secretKey;
  }

  void keep(const InstanceId& id, std::optional<Store> wanted, const std::string& prefix) {
    const std::lock_guard lock(lockOf(id));
    if (!wanted) return host_->secrets().erase(id, kSealed);
    // It may have been replaced or cleared while the bucket was asked.
    auto& bucket = wanted->bucket;
    if (wanted->withKeptKey) bucket.secretKey = keptKey(id, bucket.accessKey, prefix);
    host_->secrets().seal(id, kSealed,
                          serialize(Json{{"endpoint", bucket.endpoint},
                                         {"region", bucket.region},
                                         {"bucket", bucket.name},
                                         {"accessKey", bucket.accessKey},
                                         {"secretKey", bucket.secretKey},
                                         {"pathPrefix", wanted->pathPrefix}}));
  }

  std::optional<Store> find(const InstanceId& id) const {
    const auto sealed = host_->secrets().open(id, kSealed);
    if (!sealed) return std::nullopt;
    const Json document = boost::json::parse(*sealed);
    const Fields known(document);
    const auto text = [&](const char* key) { return known.require<std::string>(key); };
    return Store{.bucket = {.endpoint = text("endpoint"),
                            .region = text("region"),
                            .name = text("bucket"),
                            .accessKey = text("accessKey"),
                            .secretKey = text("secretKey")},
                 .pathPrefix = text("pathPrefix")};
  }

  std::mutex& lockOf(const InstanceId& id) {
    return locks_[std::hash<std::string>{}(id.value) % locks_.size()];
  }

  IHost* host_ = nullptr;
  // Each guards the buckets of the instances that fall to it, from reading them to writing.
  std::array<std::mutex, 64> locks_;
};

}  // namespace

POMBO_BLOCK(S3Block, "s3", "0.1.0")
