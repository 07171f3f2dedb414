#include "http/docs_routes.hpp"

#include <map>

#include "embedded.hpp"
#include "http/viewer_files.hpp"

namespace pombo {
namespace {

// What the page may do: show itself, and call this server. Its style sheet has pictures in it.
constexpr auto kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

Route page(const std::string& path, const std::string& summary, const char* type) {
  return {.path = path,
          .access = Access::open,
          .summary = summary,
          .reply = {{"type", "string"}, {"contentMediaType", type}},
          .bucket = Bucket::resource};
}

// A file that all answers share: those who do not read them hold no copy of it.
HttpReply served(const Media& content, const std::string& caching) {
  return {.file = content,
          .headers = {{"cache-control", caching},
                      {"content-security-policy", kPolicy},
                      {"referrer-policy", "no-referrer"},
                      {"x-content-type-options", "nosniff"}}};
}

// Behind a reverse proxy all of it may lie in a folder: "https://example/wa" is "/wa".
std::string folderOf(const std::string& url) {
  const auto host = url.find("://");
  const auto path = host == url.npos ? url.npos : url.find('/', host + 3);
  return path == url.npos ? "" : url.substr(path);
}

std::string pageIn(const std::string& folder) {
  std::string html = embeddedFiles().at("viewer/docs.html");
  const std::string mark = "{base}";
  return html.replace(html.find(mark), mark.size(), folder);
}

std::map<std::string, Media> viewerMedia() {
  std::map<std::string, Media> all;
  for (const auto& [name, file] : viewerFiles())
    all[name] = mediaOf(file.type, std::string(file.content));
  return all;
}

}  // namespace

void addDescriptionRoute(RouteTable& routes, const Media& description) {
  const Json schema = boost::json::parse(R"json({
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": {"const": "3.1.0"}, "info": {"type": "object"},
                   "paths": {"type": "object"}}})json");
  routes.add(
      {.route = {.path = "/openapi.json",
                 .access = Access::open,
                 .summary = "This document",
                 .reply = schema,
                 .bucket = Bucket::resource},
       .handler = [&description](const HttpRequest&) { return served(description, "no-cache"); }});
}

void addDocsRoutes(RouteTable& routes, const std::string& publicUrl) {
  routes.add({.route = page("/docs", "This document, for people", "text/html"),
              .handler =
                  [html = mediaOf("text/html; charset=utf-8", pageIn(folderOf(publicUrl)))](
                      const HttpRequest&) {
                    if (viewerFiles().empty())
                      throw Error(Code::unsupported,
                                  "This server was built without the viewer that /docs needs "
                                  "(scripts/setup fetches it with npm); see /openapi.json");
                    return served(html, "no-cache");
                  },
              .notes = {.refusals = {Code::unsupported}}});
  routes.add({.route = page("/docs/:file", "What the page at /docs is made of", "text/*"),
              .handler =
                  [files = viewerMedia()](const HttpRequest& request) {
                    const auto file = files.find(request.params.at("file"));
                    if (file == files.end()) throw Error(Code::notFound, "Not found");
                    return served(file->second, "public, max-age=86400");
                  },
              .notes = {.refusals = {Code::notFound}}});
}

}  // namespace pombo
