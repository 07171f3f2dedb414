// What blocks are told: a story of one block and one instance. The first line is the block's name;
// each line after it is a step:
//   c {...}          its slice of a creation, or of a later change
//   0 {...} [query]  a call of its first route; 1 of the second, and so on; "query" is a label
//   a 200 text       what the next request that it sends is answered; the text is Retry-After, too
//   e 2              an event of the instance, attempted for the second time
//   t 3600           time passes
//   d                forget the instance
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <random>

#include "all_blocks.hpp"
#include "block/field_table.hpp"
#include "http/json_body.hpp"
#include "net/url.hpp"
#include "pombo/testing/fake_host.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

const Instance kInstance{.id = {"i-1"},
                         .account = {"a-1"},
                         .name = "front desk",
                         .connector = "whatsapp",
                         .status = "disconnected",
                         .numberJid = {},
                         .createdAt = {}};

constexpr TimePoint kNow(std::chrono::seconds(1'795'257'000));
const Event kEvent{.id = "event-1", .type = "instance.state", .instance = kInstance.id, .at = kNow};
const std::vector<DeliveryRecord> kRecords{
    {.id = "d-3", .event = "event-3", .destination = "default", .attempts = 1, .createdAt = kNow},
    {.id = "d-2", .destination = "default", .status = DeliveryStatus::dead, .createdAt = kNow},
    {.id = "d-1", .destination = "x", .status = DeliveryStatus::delivered, .createdAt = kNow}};

const Provisioned kProvisioned{
    .instance = kInstance,
    .shown = {{"chatwoot", {{"status", "active"}, {"bridgeIntegrationId", "int_1"}}}},
    .warnings = {}};

unsigned long numberIn(const Json& digits) { return std::stoul(std::string(digits.as_string())); }

// Digits at the beginning of a text, and what follows them.
std::optional<std::pair<int, std::string>> numberAndRest(const std::string& text) {
  int number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc()) return std::nullopt;
  return std::pair(number, std::string(std::min(end + 1, last), last));
}

// Where the block dials to must be a URL that core would let it dial to. The block is started once:
// what it is told of an instance is kept by its host, and is gone when that has forgotten it.
class Story {
 public:
  explicit Story(const AnyBlock& block) : name_(block.name), code_(block.create()) {
    fields_ = code_->fields();
    boost::json::object config;
    for (const auto& option : code_->options()) config[option.name] = option.fallback;
    host_.configNode = std::move(config);
    host_.known = {kInstance};
    code_->start(host_);
    host_.records = kRecords;
    untold_ = code_->summary(kInstance);
  }

  void begin() {
    static_cast<FakeStorage&>(host_) = FakeStorage();
    static_cast<FakeHttpClient&>(host_) = FakeHttpClient();
    static_cast<FakeObserve&>(host_) = FakeObserve();
    host_.time = kNow;
    host_.configured.clear();
    host_.redelivered.clear();
    host_.givenUp.clear();
    host_.provisionAnswers.clear();
    host_.provisionAnswers.push_back(kProvisioned);
    hidden_ = exact_ = true;
    quoted_ = false;
    require(code_->summary(kInstance) == untold_);
  }

  // Whatever the step is, what it throws is for people, and the block can still show itself.
  void step(const std::string& line) {
    if (line.empty()) return;
    try {
      take(line);
    } catch (const Error& error) {
      if (isHidden()) require(countOf(error.what(), kMark) == 0);
    }
    const Json shown = code_->summary(kInstance);
    require(shown.is_object() && shown.at("enabled").is_bool());
    require(code_->summary(kInstance) == shown);
    // What others call things is shown as they do.
    if (isHidden() && !quoted_) require(countOf(serialize(shown), kMark) == 0);
    for (const auto& request : host_.requests) checkRequest(request);
    host_.requests.clear();
    for (const auto& each : host_.logLines)
      if (isHidden()) require(countOf(each.message + serialize(each.fields), kMark) == 0);
    host_.logLines.clear();
  }

 private:
  void take(const std::string& line) {
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    if (line[0] == 'c') return configure(rest);
    if (line[0] == 'a') return answer(rest);
    if (line[0] == 'e') return event(rest);
    if (line[0] == 't') return wait(rest);
    if (line[0] == 'd') return code_->forget(kInstance);
    const auto index = static_cast<std::size_t>(line[0] - '0');
    if (index < host_.declared.size()) call(host_.declared[index], rest);
  }

  void configure(const std::string& text) {
    const Json body = objectIn(text);
    look(fields_, body.as_object());
    const Json values = checked(fields_, body.as_object()).values;
    code_->configure(kInstance, Fields(values));
    checkShown(values);
  }

  // What was asked for is what is shown.
  void checkShown(const Json& values) {
    const Json shown = code_->summary(kInstance);
    const auto* enabled = values.at(name_ + "Enabled").if_bool();
    require(enabled && shown.at("enabled") == *enabled);
    if (!*enabled) return;
    for (const auto& [key, word] : {std::pair("Host", "host"),
                                    {"Protocol", "protocol"},
                                    {"URL", "url"},
                                    {"Events", "events"},
                                    {"Bucket", "bucket"},
                                    {"AccessKey", "accessKey"},
                                    {"AccountId", "accountId"}}) {
      const auto* value = values.as_object().if_contains(name_ + key);
      if (value && !value->is_null()) require(shown.at(word) == *value);
    }
    if (const auto* port = values.as_object().if_contains(name_ + "Port"))
      require(numberIn(shown.at("port")) == numberIn(*port));
  }

  void call(const Route& route, const std::string& text) {
    HttpRequest request = requestFor(kInstance);
    request.id = "r-1";
    const Json body = objectIn(text);
    look(route.body, body.as_object());
    Checked fields = checked(route.body, body.as_object());
    Checked query =
        checked(route.query, route.query.empty() ? boost::json::object() : body.as_object());
    request.fields = std::move(fields.values);
    request.given = route.method == Method::get ? query.given : fields.given;
    request.query = std::move(query.values);
    const Route copy = route;
    const HttpReply reply = host_.call(copy.method, copy.path, request);
    require(reply.status >= 200 && reply.status < 300);
    checkReply(reply);
  }

  // An object, or a page that says what it is.
  static void checkReply(const HttpReply& reply) {
    if (!reply.bytes) return require(reply.body.is_object() && !reply.body.as_object().empty());
    require(!reply.bytes->empty() && reply.body.is_null());
    require(reply.headers.contains("content-type"));
  }

  void answer(const std::string& text) {
    const auto said = numberAndRest(text);
    if (!said || said->first < 100 || said->first > 599) return;
    quoted_ = quoted_ || countOf(text, kMark) > 0;
    host_.replies.push_back({said->first, {{"retry-after", said->second}}, said->second});
  }

  void event(const std::string& text) {
    const int attempt = numberAndRest(text).value_or(std::pair(1, "")).first;
    for (const auto& [to, verdict] : host_.deliver(kEvent, std::max(1, attempt)))
      require(!verdict.notBefore || (*verdict.notBefore > host_.time &&
                                     *verdict.notBefore <= host_.time + std::chrono::hours(24)));
  }

  void wait(const std::string& text) {
    const int seconds = numberAndRest(text).value_or(std::pair(0, "")).first;
    if (seconds > 0 && seconds <= 100'000'000) host_.time += std::chrono::seconds(seconds);
  }

  // No header ends before its end.
  static void checkRequest(const OutgoingRequest& request) {
    require(parseUrl(request.url).has_value());
    for (const auto& [name, value] : request.headers)
      require(value.find_first_of(std::string_view("\0\r\n", 3)) == value.npos);
  }

  // Whether the mark is in secrets alone; once it was not, it may be shown. A text that quotes it
  // is a quotation of secrets that are the mark and nothing else.
  bool isHidden() const { return hidden_ && (!quoted_ || exact_); }

  void look(const std::vector<Field>& table, const boost::json::object& body) {
    std::size_t marks = 0;
    for (const auto& field : table)
      if (const auto* value = body.if_contains(field.name); value && field.secret)
        if (const auto* text = value->if_string()) {
          marks += countOf(*text, kMark);
          exact_ = exact_ && std::string_view(*text) == kMark;
        }
    if (marks != countOf(serialize(body), kMark)) hidden_ = false;
  }

  const std::string name_;
  FakeHost host_;
  std::unique_ptr<IBlockConfigurator> code_;
  std::vector<Field> fields_;
  Json untold_;
  bool hidden_ = true, quoted_ = false, exact_ = true;
};

Story* storyOf(const std::string& name) {
  static auto& all = *[] {
    auto* stories = new std::map<std::string, Story>;
    for (const auto& block : kAllBlocks) stories->try_emplace(block.name, block);
    return stories;
  }();
  const auto it = all.find(name);
  return it == all.end() ? nullptr : &it->second;
}

// The inputs that set a port, a number of attempts or a time are few, and bytes changed anywhere
// seldom make such a number one past its limit.
constexpr std::array<std::string_view, 10> kLimits{
    "0",  "-1", "1", "65535", "65536", "99999", "2147483648", "4294967296", "9007199254740993",
    "1e9"};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t longest);

// One time in four some number becomes one at a limit; the others are libFuzzer's own.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t longest, unsigned seed) {
  std::minstd_rand random(seed);
  std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < size; ++i)
    if (isDigit(text[i]) && (i == 0 || !isDigit(text[i - 1]))) numbers.push_back(i);
  if (random() % 4 != 0 || numbers.empty()) return LLVMFuzzerMutate(data, size, longest);
  const auto begin = numbers[random() % numbers.size()];
  auto end = begin;
  while (end < size && isDigit(text[end])) ++end;
  text.replace(begin, end - begin, kLimits[random() % kLimits.size()]);
  if (text.size() > longest) return LLVMFuzzerMutate(data, size, longest);
  text.copy(reinterpret_cast<char*>(data), text.size());
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = linesOf({reinterpret_cast<const char*>(data), size});
  Story* const story = lines.empty() || lines.size() > 12 ? nullptr : storyOf(lines.front());
  if (!story) return 0;
  story->begin();
  for (std::size_t i = 1; i < lines.size(); ++i) story->step(lines[i]);
  return 0;
}
