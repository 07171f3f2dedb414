#include "pombo/block.hpp"
#include "webhook_secret.hpp"

namespace {

using namespace pombo;

// Secrets are named after the webhook's label: an instance may have several.
const std::string kAuthorization = "default.authorization";
const std::string kSecret = "default.secret";

// Posts an instance's events to a URL of the client's. What it was told is one document; what must
// not be read by others is sealed apart from it.
class WebhookBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "webhookEnabled",
             .type = Type::boolean,
             .fallback = false,
             .doc = "Creates the webhook labelled 'default'."},
            {.name = "webhookURL",
             .type = Type::url,
             .doc = "Where events are posted; required when enabled.",
             .maxLength = 2048,
             .alias = "webhookUrl"},
            {.name = "webhookAuthorization",
             .doc = "Sent verbatim as the Authorization header.",
             .secret = true,
             .maxLength = 4096,
             .text = Text::printable},
            {.name = "webhookByEvents",
             .type = Type::boolean,
             .fallback = false,
             .doc = "Each event type goes to a URL of its own: /<event> is appended."},
            eventsField("webhookEvents", "Which events are posted; empty: all."),
            {.name = "webhookMediaBase64",
             .type = Type::boolean,
             .fallback = false,
             .doc = "Media are part of the event, in base64."}};
  }

  std::vector<Field> options() const override {
    return {{.name = "maxInFlight",
             .type = Type::integer,
             .fallback = 8,
             .doc = "Deliveries of one webhook under way at once; 1 keeps strict order.",
             .min = 1,
             .max = 64}};
  }

  void start(IHost& host) override { host_ = &host; }

  void configure(const Instance& instance, const Fields& slice) override {
    if (!slice.require<bool>("webhookEnabled")) {
      host_->secrets().erase(instance.id, kAuthorization);
      return host_->settings().erase(instance.id);
    }
    // Types and syntax are checked by now; a URL that is missing reads as one that is no URL.
    const auto url = slice.find<std::string>("webhookURL");
    if (!url)
      throw Error(Code::invalid, "The 'webhookURL' field must be a valid http or https URL");
    host_->http().requireAllowed(*url);
    host_->settings().save(instance.id,
                           {{"enabled", true},
                            {"url", *url},
                            {"byEvents", slice.require<bool>("webhookByEvents")},
                            {"events", slice.document().at("webhookEvents")},
                            {"mediaBase64", slice.require<bool>("webhookMediaBase64")}});
    if (const auto authorization = slice.find<std::string>("webhookAuthorization"))
      host_->secrets().seal(instance.id, kAuthorization, *authorization);
    else
      host_->secrets().erase(instance.id, kAuthorization);
    if (!host_->secrets().open(instance.id, kSecret))
      host_->secrets().seal(instance.id, kSecret, newWebhookSecret());
  }

  Json summary(const Instance& instance) override {
    const auto known = host_->settings().load(instance.id);
    if (!known) return {{"enabled", false}, {"url", nullptr}, {"events", boost::json::array()}};
    return {{"enabled", known->at("enabled")},
            {"url", known->at("url")},
            {"events", known->at("events")}};
  }

 private:
  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(WebhookBlock, "webhook", "0.1.0")
