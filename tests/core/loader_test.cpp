#include "block/loader.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <fstream>

#include "temp_store.hpp"

namespace pombo {
namespace {

// The smallest library that is a block as far as its file goes: three sections and no code.
constexpr std::size_t kMetadata = sizeof(Elf64_Ehdr);
constexpr char kNames[] = "\0.pombo\0.shstrtab";
constexpr std::size_t kNamesAt = kMetadata + sizeof(BlockMetadata);
constexpr std::size_t kSections = (kNamesAt + sizeof kNames + 7) / 8 * 8;
constexpr std::size_t kOwnSection = kSections + sizeof(Elf64_Shdr);
constexpr std::size_t kNamesSection = kOwnSection + sizeof(Elf64_Shdr);

std::string contentOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Of a library that this machine runs.
const Elf64_Half kMachine = [] {
  Elf64_Ehdr header;
  std::memcpy(&header, contentOf(POMBO_BLOCK_LIBRARY).data(), sizeof header);
  return header.e_machine;
}();

const std::string& library() {
  static const std::string bytes = [] {
    const BlockMetadata metadata{POMBO_MAGIC, sizeof(BlockMetadata), POMBO_ABI, "webhook", "0.1.0"};
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = kMachine;
    header.e_shoff = kSections;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 3;
    header.e_shstrndx = 2;
    Elf64_Shdr sections[3]{};
    sections[1].sh_name = 1;
    sections[1].sh_type = SHT_PROGBITS;
    sections[1].sh_offset = kMetadata;
    sections[1].sh_size = sizeof metadata;
    sections[2].sh_name = 8;
    sections[2].sh_type = SHT_STRTAB;
    sections[2].sh_offset = kNamesAt;
    sections[2].sh_size = sizeof kNames;
    std::string file(kSections + sizeof sections, '\0');
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + kMetadata, &metadata, sizeof metadata);
    std::memcpy(file.data() + kNamesAt, kNames, sizeof kNames);
    std::memcpy(file.data() + kSections, sections, sizeof sections);
    return file;
  }();
  return bytes;
}

class LoaderTest : public ::testing::Test {
 protected:
  // What inspect() says of a file with these bytes; empty when it takes it.
  std::string refusalOf(const std::string& bytes) {
    std::ofstream(file_, std::ios::binary) << bytes;
    try {
      inspect(file_);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  std::string patched(std::size_t offset, const std::string& bytes) const {
    std::string changed = library();
    return changed.replace(kMetadata + offset, bytes.size(), bytes);
  }
  void expectRefused(const std::string& bytes, const std::vector<std::string>& parts) {
    const std::string said = refusalOf(bytes);
    EXPECT_TRUE(said.starts_with(file_ + ": ")) << said;
    for (const auto& part : parts) EXPECT_NE(said.find(part), said.npos) << said;
  }

  TempFolder folder_;
  const std::string file_ = folder_.file("webhook.so");
};

std::string numberBytes(std::uint32_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

TEST_F(LoaderTest, ABlockSaysWhatItIsWithoutBeingOpened) {
  const BlockMetadata found = inspect(POMBO_BLOCK_LIBRARY);
  EXPECT_STREQ(found.magic, POMBO_MAGIC);
  EXPECT_STREQ(found.abi, POMBO_ABI);
  EXPECT_STREQ(found.name, "webhook");
  EXPECT_STRNE(found.version, "");
  EXPECT_EQ(found.size, sizeof found);
}

TEST_F(LoaderTest, AFileWithTheSectionIsABlockAsFarAsItsFileGoes) {
  EXPECT_EQ(refusalOf(library()), "");
  EXPECT_STREQ(inspect(file_).version, "0.1.0");
  EXPECT_ANY_THROW(load(file_)) << "it has no code";
}

TEST_F(LoaderTest, ARealLibraryThatIsCutShortIsRefused) {
  const std::string whole = contentOf(POMBO_BLOCK_LIBRARY);
  EXPECT_EQ(refusalOf(whole), "");
  for (const std::size_t size : {sizeof(Elf64_Ehdr) - 1, sizeof(Elf64_Ehdr), whole.size() / 2,
                                 whole.size() - sizeof(Elf64_Shdr), whole.size() - 1})
    EXPECT_EQ(refusalOf(whole.substr(0, size)), file_ + ": the file is cut short") << size;
}

// Its sections are all there, so it says what it is; mapped, it would end the process.
TEST_F(LoaderTest, ALibraryWhoseSegmentsEndBeyondTheFileIsRefused) {
  const std::string whole = contentOf(POMBO_BLOCK_LIBRARY);
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    std::string bytes = whole;
    const auto at = header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + at, sizeof segment);
    if (segment.p_type != PT_LOAD) continue;
    segment.p_filesz = whole.size() - segment.p_offset + 1;
    std::memcpy(bytes.data() + at, &segment, sizeof segment);
    EXPECT_EQ(refusalOf(bytes), file_ + ": the file is cut short") << i;
  }
}

TEST_F(LoaderTest, WhatIsNoLibraryIsNoBlock) {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(4096, '\0'),
                                   std::string("#!/bin/sh\n"), std::string(64, '\xff')})
    expectRefused(bytes, {"not a library, so not a block"});
  expectRefused(ELFMAG + std::string(60, '\xff'), {"not a library, so not a block"});
  std::string program = library();
  program[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  expectRefused(program, {"not a library, so not a block"});
}

TEST_F(LoaderTest, ALibraryOfAnotherMachineIsNamed) {
  std::string bytes = library();
  const Elf64_Half other = EM_SPARCV9;
  std::memcpy(bytes.data() + offsetof(Elf64_Ehdr, e_machine), &other, sizeof other);
  expectRefused(bytes, {"a library for machine 43, this gateway needs one for "});
  bytes = library();
  bytes[EI_CLASS] = ELFCLASS32;
  expectRefused(bytes, {"a 32-bit library, this gateway needs 64-bit ones"});
  expectRefused(bytes.substr(0, sizeof(Elf32_Ehdr)), {"a 32-bit library"});
}

TEST_F(LoaderTest, NoFileAndAFolderAreNoBlock) {
  const std::string none = folder_.file("none.so"), folder = folder_.file("");
  for (const auto& [path, reason] :
       {std::pair(none, ": cannot be read"), std::pair(folder, ": not a library, so not a block")})
    try {
      inspect(path);
      ADD_FAILURE() << path;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), path + reason);
    }
}

TEST_F(LoaderTest, ALibraryWithoutMetadataIsNoBlock) {
  std::string bytes = library();
  bytes[kNamesAt + 2] = 'P';
  expectRefused(bytes, {"no .pombo section"});
}

TEST_F(LoaderTest, ALibraryThatIsCutShortIsRefusedAtEveryLength) {
  for (std::size_t length = 0; length < library().size(); ++length)
    EXPECT_NE(refusalOf(library().substr(0, length)), "") << length;
}

TEST_F(LoaderTest, NoChangedByteDoesHarm) {
  // Some do not matter to a block; what counts is that nothing is read that is not there.
  int refused = 0;
  for (std::size_t at = 0; at < library().size(); ++at)
    for (const char other : {'\x01', '\xff', static_cast<char>(~library()[at])}) {
      std::string bytes = library();
      bytes[at] = other;
      refused += !refusalOf(bytes).empty();
    }
  EXPECT_GT(refused, 100);
}

TEST_F(LoaderTest, OffsetsThatPointNowhereAreFollowedNowhere) {
  for (const std::uint64_t far : {std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0},
                                  ~std::uint64_t{63}, std::uint64_t{library().size()}})
    for (const std::size_t at :
         {offsetof(Elf64_Ehdr, e_shoff), kOwnSection + offsetof(Elf64_Shdr, sh_offset),
          kOwnSection + offsetof(Elf64_Shdr, sh_size),
          kNamesSection + offsetof(Elf64_Shdr, sh_offset)}) {
      std::string bytes = library();
      std::memcpy(bytes.data() + at, &far, sizeof far);
      EXPECT_NE(refusalOf(bytes), "") << far << " at " << at;
    }
}

TEST_F(LoaderTest, AnotherMagicIsNamedWithOurs) {
  expectRefused(patched(offsetof(BlockMetadata, magic), "POMBO-9"),
                {"magic", "\"POMBO-9\"", "\"" POMBO_MAGIC "\""});
}

TEST_F(LoaderTest, AnotherSizeIsNamedWithOurs) {
  expectRefused(patched(offsetof(BlockMetadata, size), numberBytes(7)),
                {"size", "\"7\"", "\"" + std::to_string(sizeof(BlockMetadata)) + "\""});
}

TEST_F(LoaderTest, AStaleAbiIsNamedWithOurs) {
  expectRefused(patched(offsetof(BlockMetadata, abi), std::string("pombo-0 old\0", 12)),
                {"abi", "\"pombo-0 old\"", "\"" POMBO_ABI "\""});
}

TEST_F(LoaderTest, ANameThatIsNoneIsNamed) {
  for (const auto* name : {"Webhook", "web-hook", "7up", "../x", ""})
    expectRefused(patched(offsetof(BlockMetadata, name), name + std::string(1, '\0')),
                  {"name", "\"" + std::string(name) + "\"", "[a-z][a-z0-9]*"});
}

TEST_F(LoaderTest, ANameThatIsNotItsFilesIsNamedWithIt) {
  EXPECT_EQ(refusalOf(patched(offsetof(BlockMetadata, name), std::string("webhooks\0", 9))), "");
  try {
    identify(file_);
    ADD_FAILURE();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), file_ + ": name is \"webhooks\", its file's is \"webhook\"");
  }
  EXPECT_STREQ(identify(POMBO_BLOCK_LIBRARY).name, "webhook");
}

TEST_F(LoaderTest, TextsWithoutAnEndDoNotRunIntoTheNext) {
  const std::string said = refusalOf(patched(offsetof(BlockMetadata, abi), std::string(64, 'a')));
  EXPECT_NE(said.find("\"" + std::string(63, 'a') + "\""), said.npos) << said;
}

TEST_F(LoaderTest, WordsOfTheFileCannotWriteOnATerminal) {
  const std::string name = "\x1b[2J\r\x9b" + std::string("x\0", 2);
  const std::string said = refusalOf(patched(offsetof(BlockMetadata, name), name));
  EXPECT_NE(said.find("\"?[2J??x\""), said.npos) << said;
}

TEST_F(LoaderTest, WhatIsRefusedIsNotOpened) {
  std::ofstream(file_, std::ios::binary)
      << patched(offsetof(BlockMetadata, abi), std::string("old\0", 4));
  EXPECT_THROW(load(file_), std::runtime_error);
}

TEST_F(LoaderTest, ABlockIsMadeByItsFactory) {
  const auto block = load(POMBO_BLOCK_LIBRARY);
  ASSERT_TRUE(block);
  EXPECT_FALSE(block->fields().empty());
  const auto second = load(POMBO_BLOCK_LIBRARY);
  EXPECT_NE(block, second);
}

TEST(BlockName, IsALowerCaseWord) {
  for (const auto* good : {"a", "s3", "webhook", "x9y"}) EXPECT_TRUE(isBlockName(good)) << good;
  for (const auto* bad : {"", "3s", "S3", "web_hook", "web-hook", "a.b", "../a", "é", "a b"})
    EXPECT_FALSE(isBlockName(bad)) << bad;
}

}  // namespace
}  // namespace pombo
