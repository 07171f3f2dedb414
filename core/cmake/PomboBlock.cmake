# pombo_add_block(<name> SOURCES ... [LIBRARIES ...])
# Builds the block <name>.so against the contract alone. The same function builds the blocks in
# plugins/ and, through find_package(Pombo), blocks that live anywhere else.
function(pombo_add_block name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name}_block MODULE ${ARG_SOURCES})
  target_link_libraries(${name}_block PRIVATE Pombo::contract ${ARG_LIBRARIES})
  target_compile_features(${name}_block PRIVATE cxx_std_20)
  set_target_properties(${name}_block PROPERTIES
    PREFIX "" OUTPUT_NAME ${name}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  # A library with an undefined symbol is refused when it is built, not when it is loaded. The
  # sanitizers' own symbols come from the program.
  if(NOT POMBO_SANITIZE)
    target_link_options(${name}_block PRIVATE LINKER:-z,defs)
  endif()
endfunction()

# pombo_add_program_block(<name> VERSION <version> PROGRAM <file>)
# A block that is a program, in any language, which speaks docs/process-protocol.md: builds <name>.so,
# which says what the block is called and how the program beside it, and puts a link to <file> there.
function(pombo_add_program_block name)
  cmake_parse_arguments(ARG "" "VERSION;PROGRAM" "" ${ARGN})
  get_filename_component(program ${ARG_PROGRAM} NAME)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}_program.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include <pombo/abi.hpp>

__attribute__((section(POMBO_SECTION), used, retain)) static const pombo::BlockMetadata metadata{
    POMBO_MAGIC, sizeof(pombo::BlockMetadata), POMBO_ABI, "@name@", "@ARG_VERSION@"};
__attribute__((section(".pombo.program"), used, retain)) static const char program[] = "@program@";
]])
  pombo_add_block(${name} SOURCES ${source})
  get_target_property(folder ${name}_block LIBRARY_OUTPUT_DIRECTORY)
  if(NOT folder)
    set(folder ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  file(MAKE_DIRECTORY ${folder})
  file(CREATE_LINK ${ARG_PROGRAM} ${folder}/${program} SYMBOLIC)
endfunction()
