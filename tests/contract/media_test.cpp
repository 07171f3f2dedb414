#include "pombo/media.hpp"

#include <gtest/gtest.h>

using namespace pombo;

namespace {

bool isOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

std::string everyByte() {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  return all;
}

}  // namespace

TEST(Media, BytesGoInAndComeOut) {
  const std::string large(9 << 20, 'x');
  for (const auto& bytes : {std::string(), everyByte(), large}) {
    const Media media = mediaOf("image/png", bytes);
    EXPECT_EQ(media.mimeType, "image/png");
    EXPECT_EQ(media.size, bytes.size());
    EXPECT_EQ(bytesOf(media, bytes.size()), bytes);
    EXPECT_EQ(bytesOf(media, bytes.size()), bytes) << "reading moves nothing";
  }
}

TEST(Media, MoreThanTheLimitIsNotHeld) {
  try {
    bytesOf(mediaOf("a/b", "four"), 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::tooLarge);
  }
}

TEST(Media, AFileThatIsShorterThanItSaysIsAnError) {
  Media media = mediaOf("a/b", "four");
  media.size = 5;
  EXPECT_THROW(bytesOf(media, 10), Error);
  media.file = {};
  EXPECT_THROW(bytesOf(media, 10), Error);
}

TEST(Media, DoesNotLeakIntoProgramsThatAreStarted) {
  const Media media = mediaOf("a/b", "x");
  EXPECT_TRUE(::fcntl(media.file.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(Descriptor, TheLastOwnerCloses) {
  Descriptor first = mediaOf("a/b", "x").file;
  const int fd = first.get();
  {
    const Descriptor second = first;
    EXPECT_EQ(second, first);
    first = {};
    EXPECT_TRUE(isOpen(fd));
  }
  EXPECT_FALSE(isOpen(fd));
}

TEST(Descriptor, NoneIsNone) {
  EXPECT_FALSE(Descriptor());
  EXPECT_FALSE(Descriptor(-1));
  EXPECT_EQ(Descriptor().get(), -1);
  EXPECT_EQ(Descriptor(), Descriptor(-1));
  EXPECT_NE(Descriptor(), mediaOf("a/b", "x").file);
}
