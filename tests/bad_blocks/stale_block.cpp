// Built for another contract. Opening it would end the process.
#include <cstdlib>
#include <pombo/abi.hpp>

[[maybe_unused]] static const bool opened = (std::abort(), true);

__attribute__((section(POMBO_SECTION), used, retain)) static const pombo::BlockMetadata metadata{
    POMBO_MAGIC, sizeof(pombo::BlockMetadata), "pombo-0 libstdc++-cxx11-1 boost-1_74", "stale",
    "1.0.0"};
