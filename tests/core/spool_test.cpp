#include "media/spool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "media/spool_file.hpp"
#include "temp_spool.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() { temp_.open(); }

  Spool& spool() { return *temp_.spool; }
  void put(char id, const std::string& bytes = "bytes", const InstanceId& instance = kShop) {
    spool().put(instance, idOf(id), mediaNamed("a.png", bytes));
  }
  std::string bytesIn(char id) {
    const auto media = spool().find(idOf(id));
    return media ? bytesOf(*media, 1 << 20) : "nothing";
  }
  template <class Function>
  static std::string refusalOf(const Function& function) {
    try {
      function();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  Media fileOf(const std::string& bytes, std::uint64_t said) {
    Media media = mediaNamed("a.png", bytes);
    media.size = said;
    return media;
  }

  TempSpool temp_;
};

TEST_F(SpoolTest, WhatIsPutIsFoundAlsoByTheNextServer) {
  put('a', std::string("\0\1\xff", 3));
  put('b', "");
  for (int start = 0; start < 2; ++start) {
    const auto media = spool().find(idOf('a'));
    ASSERT_TRUE(media);
    EXPECT_EQ(media->mimeType, "image/png");
    EXPECT_EQ(media->fileName, "a.png");
    EXPECT_EQ(media->size, 3u);
    EXPECT_EQ(bytesOf(*media, 3), std::string("\0\1\xff", 3));
    EXPECT_EQ(bytesIn('b'), "");
    EXPECT_EQ(bytesIn('c'), "nothing");
    EXPECT_TRUE(spool().endOf(idOf('a')));
    EXPECT_FALSE(spool().endOf(idOf('c')));
    temp_.open();
  }
}

TEST_F(SpoolTest, ItsFilesAreNobodyElsesToRead) {
  put('a');
  struct stat file {
  }, folder{}, all{};
  ASSERT_EQ(::stat(temp_.pathOf(kShop, idOf('a')).c_str(), &file), 0);
  ASSERT_EQ(::stat((temp_.options.folder + "/" + kShop.value).c_str(), &folder), 0);
  ASSERT_EQ(::stat(temp_.options.folder.c_str(), &all), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(folder.st_mode & 0777, 0700u);
  EXPECT_EQ(all.st_mode & 0777, 0700u);
}

TEST_F(SpoolTest, WhatIsTooOldIsGone) {
  put('a');
  temp_.clock.time += 30min;
  put('b');
  temp_.clock.time += 30min - 1ms;
  EXPECT_EQ(bytesIn('a'), "bytes");
  temp_.clock.time += 1ms;
  EXPECT_EQ(bytesIn('a'), "nothing");
  EXPECT_FALSE(spool().endOf(idOf('a')));
  EXPECT_EQ(bytesIn('b'), "bytes");
  EXPECT_EQ(temp_.sizes().size(), 2u);
  spool().sweep();
  EXPECT_EQ(temp_.sizes().size(), 1u);
  EXPECT_EQ(spool().files(), 1u);
  temp_.clock.time += 30min;
  temp_.open();
  EXPECT_EQ(spool().files(), 0u);
  EXPECT_TRUE(temp_.sizes().empty()) << "a start sweeps as well";
}

TEST_F(SpoolTest, WhatIsRenewedHasItsWholeTimeAgain) {
  put('a');
  temp_.clock.time += 50min;
  EXPECT_TRUE(spool().renew(idOf('a')));
  EXPECT_FALSE(spool().renew(idOf('b')));
  temp_.clock.time += 50min;
  temp_.open();
  EXPECT_EQ(bytesIn('a'), "bytes");
  temp_.clock.time += 10min;
  EXPECT_FALSE(spool().renew(idOf('a'))) << "it is over";
}

TEST_F(SpoolTest, WhatIsPutAgainTakesTheSameRoom) {
  put('a');
  const auto bytes = spool().bytes();
  put('a');
  EXPECT_EQ(spool().bytes(), bytes);
  EXPECT_EQ(spool().files(), 1u);
  EXPECT_EQ(temp_.sizes().size(), 1u);
}

TEST_F(SpoolTest, AnInstanceTakesItsFilesAlong) {
  put('a');
  put('b', "bytes", kOther);
  spool().forget(kShop);
  EXPECT_EQ(bytesIn('a'), "nothing");
  EXPECT_EQ(bytesIn('b'), "bytes");
  EXPECT_EQ(temp_.sizes().size(), 1u);
  EXPECT_EQ(spool().files(), 1u);
  put('c');
  EXPECT_EQ(bytesIn('c'), "bytes") << "until it is told again";
}

TEST_F(SpoolTest, TheNextServerRemovesWhatIsNobodysAndNothingElse) {
  put('a');
  put('b', "bytes", kOther);
  temp_.write(kShop.value + "/" + idOf('c') + ".1.part", "half");
  temp_.write("notes.txt", "the operator's own");
  temp_.write("folder/" + idOf('a'), "the operator's own");
  temp_.open([](const InstanceId& id) { return id == kShop; });
  EXPECT_EQ(bytesIn('a'), "bytes");
  EXPECT_EQ(bytesIn('b'), "nothing");
  const auto left = temp_.sizes();
  EXPECT_EQ(left.size(), 3u);
  EXPECT_TRUE(left.contains("notes.txt"));
  EXPECT_TRUE(left.contains("folder/" + idOf('a')));
}

TEST_F(SpoolTest, AFileThatIsNotWholeIsNotServed) {
  put('a', std::string(1000, 'x'));
  const std::string path = temp_.pathOf(kShop, idOf('a'));
  const auto all = std::filesystem::file_size(path);
  std::string bytes(all, '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(all));
  for (const std::size_t kept : {std::size_t{0}, std::size_t{7}, std::size_t{500}, all - 1}) {
    temp_.write(kShop.value + "/" + idOf('a'), bytes.substr(0, kept));
    temp_.open();
    EXPECT_EQ(bytesIn('a'), "nothing") << kept;
    EXPECT_FALSE(spool().renew(idOf('a')));
  }
  temp_.write(kShop.value + "/" + idOf('a'), "x" + bytes);
  temp_.open();
  EXPECT_EQ(bytesIn('a'), "nothing");
  temp_.write(kShop.value + "/" + idOf('a'), bytes);
  temp_.open();
  EXPECT_EQ(bytesIn('a'), std::string(1000, 'x'));
  std::filesystem::remove(path);
  EXPECT_EQ(bytesIn('a'), "nothing");
  EXPECT_FALSE(spool().endOf(idOf('a'))) << "it has seen that";
  EXPECT_EQ(spool().bytes(), 0u);
}

TEST_F(SpoolTest, AStartRemovesWhatIsTooShortToBeAFile) {
  put('c');
  const auto one = spool().bytes();
  temp_.write(kShop.value + "/" + idOf('a'), "");
  temp_.write(kShop.value + "/" + idOf('b'), std::string(kSmallestSpoolFile - 1, 'x'));
  temp_.write(kOther.value + "/" + idOf('d'), "");
  temp_.open();
  EXPECT_EQ(spool().files(), 1u);
  EXPECT_EQ(spool().bytes(), one);
  EXPECT_EQ(temp_.sizes().size(), 1u);
  EXPECT_EQ(bytesIn('d'), "nothing");
  put('d', "", kOther);
  spool().forget(kOther);
  EXPECT_EQ(spool().bytes(), one);
}

TEST_F(SpoolTest, ItTakesWhatThereIsRoomFor) {
  const auto one = spoolFileSize(mediaNamed("a.png", "bytes"));
  temp_.options.bytes = 3 * one;
  temp_.options.instanceBytes = 2 * one;
  temp_.open();
  put('a');
  put('b');
  EXPECT_EQ(refusalOf([&] { put('c'); }), "Media storage is full") << "of this instance";
  put('c', "bytes", kOther);
  EXPECT_EQ(refusalOf([&] { put('d', "bytes", kOther); }), "Media storage is full");
  EXPECT_EQ(temp_.sizes().size(), 3u);
  spool().forget(kShop);
  put('d', "bytes", kOther);
  temp_.options.bytes = 100 * one;
  temp_.options.files = 2;
  temp_.open();
  EXPECT_EQ(refusalOf([&] { put('e'); }), "Media storage is full") << "there are too many";
}

TEST_F(SpoolTest, RoomIsGivenBackWhenAFileCouldNotBeWritten) {
  EXPECT_EQ(refusalOf([&] { spool().put(kShop, idOf('a'), fileOf("four", 5)); }),
            "Media could not be read");
  EXPECT_EQ(spool().bytes(), 0u);
  EXPECT_EQ(spool().files(), 0u);
  EXPECT_TRUE(temp_.sizes().empty());
}

TEST_F(SpoolTest, OfALongerFileAsMuchAsItIsSaidToHave) {
  spool().put(kShop, idOf('a'), fileOf("four", 2));
  EXPECT_EQ(bytesIn('a'), "fo");
}

TEST_F(SpoolTest, WhatIsTooLargeIsNotEvenBegun) {
  temp_.options.largest = 3 << 20;
  temp_.options.bytes = temp_.options.instanceBytes = 100 << 20;
  temp_.open();
  EXPECT_EQ(refusalOf([&] { spool().put(kShop, idOf('a'), fileOf("", (3 << 20) + 1)); }),
            "Media is too large (limit 3 MiB)");
  put('a', std::string(3 << 20, 'x'));
  EXPECT_TRUE(spool().endOf(idOf('a')));
}

TEST_F(SpoolTest, SomeOfTheDiskIsLeftToOthers) {
  temp_.options.freeBytes = std::uint64_t{1} << 60;
  temp_.open();
  EXPECT_EQ(refusalOf([&] { put('a'); }), "Media storage is full");
  EXPECT_EQ(spool().files(), 0u);
}

TEST_F(SpoolTest, AFolderThatIsGoneIsSaidWithoutItsName) {
  std::filesystem::remove_all(temp_.options.folder);
  EXPECT_EQ(refusalOf([&] { put('a'); }), "Media could not be stored");
}

TEST_F(SpoolTest, WhatIsNoFileIsNotRead) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const Descriptor out(pipe[0]), in(pipe[1]), folder(::open("/", O_RDONLY)),
      zeros(::open("/dev/zero", O_RDONLY));
  for (const auto& file : {out, folder, zeros, Descriptor()})
    EXPECT_EQ(refusalOf([&] {
                spool().put(kShop, idOf('a'), {"a/b", "", 4, file});
              }),
              "Media could not be read");
}

TEST_F(SpoolTest, WhatAMediumSaysOfItselfIsCutAndStaysApart) {
  Media media = mediaNamed(std::string(5000, 'n'), "bytes");
  media.mimeType = std::string(300, 't') + std::string("\0x", 2);
  spool().put(kShop, idOf('a'), media);
  auto found = spool().find(idOf('a'));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->mimeType, std::string(255, 't'));
  EXPECT_EQ(found->fileName, std::string(1024, 'n'));
  media.mimeType = std::string("image/png\0name", 14);
  media.fileName = std::string("a\0b", 3);
  spool().put(kShop, idOf('b'), media);
  found = spool().find(idOf('b'));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->mimeType, "image/png");
  EXPECT_EQ(found->fileName, std::string("a\0b", 3));
}

TEST_F(SpoolTest, ManyAtOnce) {
  temp_.options.bytes = temp_.options.instanceBytes = 100 << 20;
  temp_.open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([this, i] {
      const char id = static_cast<char>('a' + i % 4);
      for (int round = 0; round < 20; ++round) {
        // One that is forgotten again and again meanwhile is refused.
        refusalOf([&] { put(id, std::string(1000, id), i % 2 ? kShop : kOther); });
        const auto media = spool().find(idOf(id));
        EXPECT_EQ(media ? bytesOf(*media, 1000) : std::string(1000, id), std::string(1000, id));
        if (round % 5 == 4) spool().sweep();
        if (i == 7 && round % 7 == 6) spool().forget(kOther);
      }
    });
  for (auto& thread : threads) thread.join();
  spool().forget(kShop);
  spool().forget(kOther);
  EXPECT_EQ(spool().bytes(), 0u);
  EXPECT_EQ(spool().files(), 0u);
  EXPECT_TRUE(temp_.sizes().empty());
}

}  // namespace
}  // namespace pombo
