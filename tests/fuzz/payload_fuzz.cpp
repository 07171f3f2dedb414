// What a client lets happen to a simulated instance, from its bytes to the event that is published
// and the media behind it. Beside the schema there is a plain reading of what has to hold.
#include <time.h>

#include <algorithm>

#include "all_blocks.hpp"
#include "block/field_table.hpp"
#include "http/json_body.hpp"
#include "pombo/connector.hpp"
#include "pombo/testing/fake_host.hpp"
#include "target.hpp"

POMBO_FACTORY(simulator);

namespace {

using namespace pombo;

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "simulator", "connected", "", {}};
constexpr std::uint64_t kMost = 64 << 20;  // bytes of a file that is made up

class Simulator {
 public:
  Simulator() : block_(pombo_create_simulator()) { block_->start(host_); }

  Event inject(const Json& body) {
    const auto& route = *std::find_if(host_.declared.begin(), host_.declared.end(), [](auto& each) {
      return each.path.starts_with("/api/simulator/event/");
    });
    host_.published.clear();
    HttpRequest request = requestFor(kShop);
    request.fields = checked(route.body, body.as_object()).values;
    const HttpReply reply = host_.call(route.method, route.path, request);
    require(reply.status == 202 && host_.published.size() == 1);
    require(reply.body.at("id").as_string() == host_.published[0].id);
    return host_.published[0];
  }
  Media media(const std::string& key) { return block_->connector()->media(kShop, key); }

 private:
  FakeHost host_;
  const std::unique_ptr<IBlockConfigurator> block_;
};

Simulator& simulator() {
  static Simulator one;
  return one;
}

const Json* partOf(const Json& value, std::string_view pointer) {
  boost::json::error_code none;
  return value.find_pointer(pointer, none);
}

std::string textIn(const Json& value, std::string_view pointer) {
  const Json* const part = partOf(value, pointer);
  require(part && part->is_string());
  return std::string(part->get_string());
}

// As the C library reads and writes it.
bool isTime(const std::string& text) {
  tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (!end || *end != '\0') return false;
  const time_t seconds = ::timegm(&parts);
  char again[64];
  return ::gmtime_r(&seconds, &parts) &&
         ::strftime(again, sizeof again, "%04Y-%m-%dT%H:%M:%SZ", &parts) > 0 && text == again;
}

bool isId(const std::string& text) {
  const bool visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  return visible && !text.empty() && text.size() <= 255;
}

bool isOneOf(const std::string& word, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

void checkChat(const Event& event) {
  require(isId(textIn(event.data, "/chat/jid")) && event.chat == textIn(event.data, "/chat/jid"));
  require(isOneOf(textIn(event.data, "/chat/type"), {"private", "group", "newsletter", "status"}));
}

// The bytes that were given, or as many as were said.
void checkMedia(const Event& event, const Json& given) {
  const Json& shown = *partOf(event.data, "/message/media");
  require(shown.at("base64").is_null());
  const Json* const base64 = partOf(given, "/data/message/media/base64");
  const bool hasBytes = base64 && base64->is_string();
  std::uint64_t size = shown.at("size").is_null() ? 1024 : 0;
  if (hasBytes) {
    const std::string_view text = base64->get_string();
    require(text.size() % 4 == 0);
    size = text.size() / 4 * 3;
    for (auto at = text.size(); at-- > 0 && text[at] == '=';) --size;
    if (!partOf(given, "/data/message/media/size")) require(shown.at("size") == size);
  } else if (!shown.at("size").is_null()) {
    const double said = shown.at("size").to_number<double>();
    require(said >= 0);
    size = said > double{kMost} ? kMost + 1 : static_cast<std::uint64_t>(said);
    if (size > 1 << 16 && size <= kMost) return;  // to make it would only take its time
  }
  try {
    const Media media = simulator().media(event.mediaKey);
    require(media.size == size && bytesOf(media, kMost).size() == size);
    require(media.mimeType == textIn(shown, "/mimetype"));
    require(media.fileName == textIn(shown, "/fileName"));
  } catch (const Error& error) {
    require(error.code == Code::tooLarge && !hasBytes && size > kMost);
  }
}

void checkMessage(const Event& event, const Json& given) {
  checkChat(event);
  require(isId(textIn(event.data, "/id")) && isId(textIn(event.data, "/sender/jid")));
  require(isOneOf(textIn(event.data, "/direction"), {"incoming", "outgoing"}));
  textIn(event.data, "/message/content");
  const std::string type = textIn(event.data, "/message/type");
  const Json* const media = partOf(event.data, "/message/media");
  const bool hasMedia = media && media->is_object();
  if (isOneOf(type, {"image", "video", "audio", "document", "sticker"})) require(hasMedia);
  require(hasMedia == !event.mediaKey.empty());
  if (hasMedia) checkMedia(event, given);
}

void checkEvent(const Event& event, const Json& given) {
  require(isOnWire(event.type) && event.instance == kShop.id);
  require(isTime(textIn(event.data, "/timestamp")));
  if (event.type == "message.exchange") return checkMessage(event, given);
  require(event.mediaKey.empty());
  if (event.type == "instance.state") require(textIn(event.data, "/instance").size() < 8192);
  if (event.type != "message.status") return;
  checkChat(event);
  const auto& ids = event.data.at("messageIds").as_array();
  require(!ids.empty());
  for (const auto& id : ids) require(id.is_string() && isId(std::string(id.get_string())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const Json body = objectIn(text);
    const Event event = simulator().inject(body);
    checkEvent(event, body);
    // All that has a usual value has it now: once more, and nothing is added.
    require(simulator().inject({{"event", event.type}, {"data", event.data}}).data == event.data);
  } catch (const Error& error) {
    require(error.code == Code::invalid);
    const std::string_view said = error.what();
    if (said.starts_with("Invalid data: ")) require(countOf(said, kMark) == 0);
  }
  return 0;
}
