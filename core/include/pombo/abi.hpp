// What must agree between a gateway and a block before any code of the block runs.
#pragma once

#include <boost/json.hpp>
#include <boost/version.hpp>
#include <cstdint>

// Raised by any change to a header in this folder. Blocks are rebuilt, never guessed at.
#define POMBO_CONTRACT 1

#define POMBO_API __attribute__((visibility("default")))

#define POMBO_STR_(x) #x
#define POMBO_STR(x) POMBO_STR_(x)

#if defined(_LIBCPP_ABI_VERSION)
#define POMBO_STDLIB "libc++-" POMBO_STR(_LIBCPP_ABI_VERSION)
#elif defined(_GLIBCXX_DEBUG)  // other containers, other layouts
#define POMBO_STDLIB "libstdc++-debug-cxx11-" POMBO_STR(_GLIBCXX_USE_CXX11_ABI)
#else
#define POMBO_STDLIB "libstdc++-cxx11-" POMBO_STR(_GLIBCXX_USE_CXX11_ABI)
#endif

// For example: "pombo-1 libstdc++-cxx11-1 boost-1_81"
#define POMBO_ABI "pombo-" POMBO_STR(POMBO_CONTRACT) " " POMBO_STDLIB " boost-" BOOST_LIB_VERSION

#define POMBO_MAGIC "POMBO-1"  // of the struct below; its size does the rest
#define POMBO_SECTION ".pombo"

namespace pombo {

using Json = boost::json::value;

// Lies in the section POMBO_SECTION of the library, and is read from the file: opening a library
// runs its constructors, and a wrong one is refused before that. Plain data; texts end in a NUL.
struct BlockMetadata {
  char magic[8];       // POMBO_MAGIC
  std::uint32_t size;  // sizeof(BlockMetadata) as the block saw it
  char abi[64];        // POMBO_ABI as the block saw it
  char name[32];       // [a-z][a-z0-9]*
  char version[32];    // the block's own
};

}  // namespace pombo
