# What the compiler and the linker do against a bug that is still in here: what the OpenSSF
# recommends, as far as GCC 12 has it. For everything that this project builds, in releases (the
# sanitizers see more than any of it), and not for blocks that are built elsewhere.
option(POMBO_HARDEN "Harden releases" ON)
if(NOT POMBO_HARDEN OR NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  return()
endif()

# A position-independent program is one for the linker too.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

add_compile_options(
  # Refused when it is built.
  -Wformat=2 -Werror=format-security -Wimplicit-fallthrough -Wbidi-chars=any
  # Ended when it happens: writing beyond an object, reading beyond a container, smashing a stack.
  -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS
  -fstack-protector-strong -fstack-clash-protection
  # Without consequence: what was never set is zero, and no check is optimised away because what it
  # looks for "cannot happen".
  -ftrivial-auto-var-init=zero
  -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing)

# Jumps only to where a jump may go.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$")
  add_compile_options(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  add_compile_options(-mbranch-protection=standard)
endif()

# No page that is writable and executable, and no table of addresses that stays writable.
add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack,-z,separate-code
  LINKER:--as-needed,--no-copy-dt-needed-entries)
