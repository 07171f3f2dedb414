# The page at /watch goes into the library: `watch_page_files` is a source that holds it.
foreach(file watch.html page.css page.js)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_LIST_DIR}/page/${file})
  string(MAKE_C_IDENTIFIER ${file} name)
  file(READ ${CMAKE_CURRENT_LIST_DIR}/page/${file} ${name})
endforeach()
set(watch_page_files ${CMAKE_CURRENT_BINARY_DIR}/watch_page_files.cpp)
file(CONFIGURE OUTPUT ${watch_page_files} @ONLY CONTENT
"extern const char kWatchPage[], kWatchStyle[], kWatchScript[];  // of watch_page.hpp

const char kWatchPage[] = R\"__(@watch_html@)__\";
const char kWatchStyle[] = R\"__(@page_css@)__\";
const char kWatchScript[] = R\"__(@page_js@)__\";
")
