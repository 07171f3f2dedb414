# What events carry is written down once, beside what else the wire promises: `event_schemas` is a
# source that holds it.
set(schemas ${PROJECT_SOURCE_DIR}/core/wire/events.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schemas})
file(READ ${schemas} text)
set(event_schemas ${CMAKE_CURRENT_BINARY_DIR}/event_schemas.cpp)
file(CONFIGURE OUTPUT ${event_schemas} @ONLY
  CONTENT "#include \"event_schemas.hpp\"\n\nconst char kEventSchemas[] = R\"__(@text@)__\";\n")
