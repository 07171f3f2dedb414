#include "http/viewer_files.hpp"

#include "embedded.hpp"

#ifdef POMBO_VIEWER
// No array of numbers: a compiler takes a minute over two megabytes of them.
#define POMBO_TAKE_IN(symbol, file)                                                  \
  __asm__(".pushsection .rodata\n.hidden " #symbol "\n.global " #symbol "\n" #symbol \
          ":\n"                                                                      \
          ".incbin \"" POMBO_VIEWER "/" file "\"\n.hidden " #symbol                  \
          "End\n"                                                                    \
          ".global " #symbol "End\n" #symbol "End:\n.byte 0\n.popsection\n");        \
  extern "C" const char symbol[], symbol##End[]

POMBO_TAKE_IN(pomboViewerScript, "swagger-ui-bundle.js");
POMBO_TAKE_IN(pomboViewerStyle, "swagger-ui.css");
#endif

namespace pombo {

std::map<std::string, ViewerFile> viewerFiles() {
#ifdef POMBO_VIEWER
  const auto text = [](const char* begin, const char* end) {
    return std::string_view(begin, static_cast<std::size_t>(end - begin));
  };
  constexpr auto kScript = "text/javascript; charset=utf-8";
  return {
      {"docs.js", {embeddedFiles().at("viewer/docs.js"), kScript}},
      {"swagger-ui-bundle.js", {text(pomboViewerScript, pomboViewerScriptEnd), kScript}},
      {"swagger-ui.css", {text(pomboViewerStyle, pomboViewerStyleEnd), "text/css; charset=utf-8"}}};
#else
  return {};
#endif
}

}  // namespace pombo
