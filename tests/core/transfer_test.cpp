#include "net/transfer.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <map>

#include "tiny_server.hpp"

namespace pombo {
namespace {

using Multi = std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)>;

// Runs them all together; the code that each has ended with.
std::map<const void*, CURLcode> ranTogether(const std::vector<std::unique_ptr<Transfer>>& all) {
  const Multi multi(curl_multi_init(), curl_multi_cleanup);
  for (const auto& each : all) curl_multi_add_handle(multi.get(), each->handle());
  for (int running = 1; running > 0;) {
    curl_multi_perform(multi.get(), &running);
    if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
  }
  std::map<const void*, CURLcode> codes;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left))
    codes[message->easy_handle] = message->data.result;
  for (const auto& each : all) curl_multi_remove_handle(multi.get(), each->handle());
  return codes;
}

TEST(Transfer, ManyRunTogetherAndKnowTheirOwn) {
  TinyServer server([](const std::string& request) {
    return TinyServer::reply(200, request.substr(0, request.find(' ', 5)), "Connection: close\r\n");
  });
  const Egress egress({{"127.0.0.1"}}, [](const std::string&) { return std::vector<Address>(); });
  std::vector<OutgoingRequest> requests;
  for (int i = 0; i < 12; ++i) requests.push_back({.url = server.url("/" + std::to_string(i))});
  std::vector<std::unique_ptr<Transfer>> all;
  for (const auto& each : requests)
    all.push_back(std::make_unique<Transfer>(egress, each, std::nullopt, "Pombo/test",
                                             std::chrono::minutes(1)));
  const auto codes = ranTogether(all);
  ASSERT_EQ(codes.size(), all.size());
  for (int i = 0; i < 12; ++i) {
    auto& transfer = *all[static_cast<std::size_t>(i)];
    const auto reply = transfer.end(codes.at(transfer.handle()));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "POST /" + std::to_string(i));
  }
  EXPECT_EQ(server.requests().size(), all.size());
}

TEST(Transfer, WhatCanBeToldAtSightIsToldBeforeThereIsAHandle) {
  const Egress egress({}, [](const std::string&) { return std::vector<Address>(); });
  const auto made = [&](const std::string& url) -> std::string {
    try {
      Transfer(egress, {.url = url}, std::nullopt, "Pombo/test", std::chrono::minutes(1));
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(made("https://shop.example/"), "");
  EXPECT_EQ(made("http://169.254.169.254/"), "URL is not allowed: link-local address");
  EXPECT_EQ(made("ftp://shop.example/"), "URL is not allowed: not an http or https URL");
}

}  // namespace
}  // namespace pombo
