#include "http/attachment.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace pombo {
namespace {

TEST(Attachment, AnHonestNameIsKept) {
  EXPECT_EQ(attachmentNamed("invoice 7 (final).pdf"),
            "attachment; filename=\"invoice 7 (final).pdf\"; "
            "filename*=UTF-8''invoice%207%20%28final%29.pdf");
  EXPECT_EQ(attachmentNamed("relatório.pdf"),
            "attachment; filename=\"relat_rio.pdf\"; filename*=UTF-8''relat%C3%B3rio.pdf");
  EXPECT_EQ(attachmentNamed(""), "attachment");
}

std::string plainNameOf(const std::string& name) {
  const std::string value = attachmentNamed(name);
  const auto begin = value.find('"');
  return begin == value.npos ? "" : value.substr(begin + 1, value.rfind('"') - begin - 1);
}

TEST(Attachment, AHostileNameIsTamed) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"../../etc/passwd", "_.._etc_passwd"},
      {"..\\..\\boot.ini", "_.._boot.ini"},
      {"C:\\autoexec.bat", "C__autoexec.bat"},
      {".bashrc", "bashrc"},
      {"a.exe. . ", "a.exe"},
      {"...", ""},
      {" ", ""},
      {"a\r\nSet-Cookie: x=1", "aSet-Cookie_ x=1"},
      {std::string("a\0b", 3), "ab"},
      {"a\x7f\x1b[31m", "a[31m"},
      {"x\"; filename=\"y.html", "x_; filename=_y.html"},
      {"100%.txt", "100_.txt"},
      {"%2e%2e%2fx", "_2e_2e_2fx"},
      {"a\xe2\x80\xaegpj.exe", "agpj.exe"},  // right-to-left override
      {"a\xe2\x81\xa6gpj.exe", "agpj.exe"},  // isolate
      {"a\xe2\x80\x8b.txt", "a.txt"},        // zero width space
      {"\xef\xbb\xbf"
       "a.txt",
       "a.txt"},                       // byte order mark
      {"a\xc2\x85.txt", "a.txt"},      // next line
      {"a\xe2\x80\xa8.txt", "a.txt"},  // line separator
      {"a\xff.txt", "a_.txt"},         // no UTF-8
      {"a\xc0\xaf.txt", "a__.txt"},    // an overlong slash
      {"a\xe2\x80", "a__"},            // cut short
      {"\xf0\x9f\x90\xa6.png", "_.png"},
  };
  for (const auto& [name, tamed] : cases) {
    EXPECT_EQ(plainNameOf(name), tamed) << name;
    const std::string value = attachmentNamed(name);
    EXPECT_TRUE(std::all_of(value.begin(), value.end(), [](char c) {
      return c >= ' ' && c < 0x7f;
    })) << name;
    EXPECT_LE(std::count(value.begin(), value.end(), '"'), 2) << name;
  }
}

TEST(Attachment, ALongNameIsCutBetweenItsCharacters) {
  EXPECT_EQ(plainNameOf(std::string(5000, 'a')), std::string(200, 'a'));
  std::string birds;
  for (int i = 0; i < 100; ++i) birds += "\xf0\x9f\x90\xa6";
  const std::string value = attachmentNamed(birds);
  EXPECT_TRUE(value.ends_with("%F0%9F%90%A6"));
  EXPECT_EQ(std::count(value.begin(), value.end(), '%'), 200);
}

TEST(Attachment, WhatIsNoTypeIsBytes) {
  for (const std::string good :
       {"image/jpeg", "audio/ogg; codecs=opus", "text/plain;charset=utf-8", "image/svg+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "video/mp4; codecs=\"avc1.42E01E, mp4a.40.2\""})
    EXPECT_EQ(contentTypeOf(good), good);
  for (const std::string& bad :
       {std::string(), std::string("image"), std::string("image/"), std::string("/png"),
        std::string("image/png\r\nX: y"), std::string("image/png;"), std::string("text/html, a/b"),
        std::string("image/png; a=\"b"), std::string("im\xc3\xa1ge/png"),
        "a/" + std::string(200, 'b'), std::string("image/png\0", 10), std::string(" image/png")})
    EXPECT_EQ(contentTypeOf(bad), "application/octet-stream") << bad;
}

}  // namespace
}  // namespace pombo
