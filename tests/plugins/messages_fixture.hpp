// The messages block over FakeHost.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "pombo/testing/fake_host.hpp"

namespace messages_fixture {

using namespace pombo;
using boost::json::object;

inline const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "simulator", "connected", "5511@s.whatsapp.net", {}};
inline constexpr auto kAna = "5511988880000@s.whatsapp.net";

inline Json exchange(const std::string& type = "text") {
  return {
      {"id", "3EB0A1"},
      {"direction", "outgoing"},
      {"timestamp", "2026-11-21T12:00:00Z"},
      {"chat", {{"jid", kAna}, {"lid", nullptr}, {"name", "Ana"}, {"type", "private"}}},
      {"sender", {{"jid", kShop.numberJid}, {"lid", nullptr}, {"name", "shop"}}},
      {"recipient", object()},
      {"message", {{"type", type}, {"content", "Hello"}, {"source", "api"}, {"media", nullptr}}}};
}

// A message as it is read from the database.
inline SqlRow storedRow(const std::string& chat) {
  SqlRow row;
  for (const char* text : {"sender", "type", "content", "at", "media_type", "mime_type",
                           "file_name", "reply", "extra"})
    row[text] = std::string();
  for (const char* number : {"outgoing", "status", "edited", "deleted"})
    row[number] = std::int64_t{0};
  row["id"] = std::string("3EB0A1");
  row["chat"] = chat;
  return row;
}

template <class Work>
std::string refusalOf(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code == Code::invalid ? error.what() : "another code";
  }
  return "";
}

class Messages : public ::testing::Test {
 protected:
  void SetUp() override {
    host.configNode = {{"keepDays", 30}, {"keepMediaDays", 7}, {"maxBodyMib", 4}};
    host.known = {kShop};
    block.reset(pombo_create());
    block->start(host);
    host.statements.clear();
  }
  void TearDown() override { block->stop(); }

  HttpReply send(const std::string& kind, object fields) {
    HttpRequest request = requestFor(kShop);
    for (const auto& each : host.declared)
      if (each.path == "/api/message/" + kind + "/:instance")
        for (const auto& field : each.body) fields.emplace(field.name, field.fallback);
    request.fields = std::move(fields);
    return host.call(Method::post, "/api/message/" + kind + "/:instance", request);
  }

  // How often a statement of this kind was asked or applied.
  std::size_t statements(const std::string& start) const {
    std::size_t count = 0;
    for (const auto& each : host.statements) count += each.sql.starts_with(start);
    return count;
  }

  FakeHost host;
  std::unique_ptr<IBlockConfigurator> block;
};

}  // namespace messages_fixture
