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
