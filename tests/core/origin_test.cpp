#include "net/origin.hpp"

#include <gtest/gtest.h>

#include <map>

namespace pombo {
namespace {

TEST(Origin, IsWrittenAsBrowsersSendIt) {
  const std::map<std::string, std::string> all{
      {"https://app.example.com", "https://app.example.com"},
      {"HTTPS://App.Example.COM:443", "https://app.example.com"},
      {"http://app.example.com:80", "http://app.example.com"},
      {"http://app.example.com:443", "http://app.example.com:443"},
      {"https://app.example.com:8443", "https://app.example.com:8443"},
      {"http://localhost:3000", "http://localhost:3000"},
      {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
      {"http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"},
      {"https://bücher.example", "https://xn--bcher-kva.example"},
      {"capacitor://localhost", "capacitor://localhost"},
      {"chrome-extension://ABCdef", "chrome-extension://abcdef"}};
  for (const auto& [given, origin] : all) {
    EXPECT_EQ(originOf(given), origin) << given;
    EXPECT_EQ(originOf(origin), origin) << origin;
  }
}

TEST(Origin, IsNothingElse) {
  for (const std::string& text : {std::string(),
                                  std::string("null"),
                                  std::string("*"),
                                  std::string("example.com"),
                                  std::string("https://"),
                                  std::string("https:///"),
                                  std::string("https://a.example/"),
                                  std::string("https://a.example/path"),
                                  std::string("https://a.example?q"),
                                  std::string("https://a.example#f"),
                                  std::string("https://user@a.example"),
                                  std::string("https://*.example"),
                                  std::string("https://a.example:0"),
                                  std::string("https://a.example:99999"),
                                  std::string("https://a b.example"),
                                  std::string("https://a.example, https://b.example"),
                                  std::string("://a.example"),
                                  std::string("1a://a.example"),
                                  std::string("file://"),
                                  std::string("data:text/html,x"),
                                  std::string("capacitor://localhost:1"),
                                  std::string("app://a\nb"),
                                  "https://" + std::string(300, 'a')})
    EXPECT_EQ(originOf(text), std::nullopt) << text;
}

TEST(Origin, OfAUrlLeavesItsPathOut) {
  EXPECT_EQ(originOfUrl("https://wa.example.com/gateway"), "https://wa.example.com");
  EXPECT_EQ(originOfUrl("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
  EXPECT_EQ(originOfUrl("http://[::]:8080"), "http://[::]:8080");
  EXPECT_EQ(originOfUrl("ftp://a.example"), std::nullopt);
}

}  // namespace
}  // namespace pombo
