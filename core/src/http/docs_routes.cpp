#include "http/docs_routes.hpp"

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

HttpReply served(std::string content, const std::string& type, const std::string& caching) {
  return {.bytes = std::move(content),
          .headers = {{"content-type", type},
                      {"cache-control", caching},
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

}  // namespace

void addDescriptionRoute(RouteTable& routes, const std::string& description) {
  const Json schema = boost::json::parse(R"json({
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": {"const": "3.1.0"}, "info": {"type": "object"},
                   "paths": {"type": "object"}}})json");
  routes.add({.route = {.path = "/openapi.json",
                        .access = Access::open,
                        .summary = "This document",
                        .reply = schema,
                        .bucket = Bucket::resource},
              .handler = [&description](const HttpRequest&) {
                return served(description, "application/json; charset=utf-8", "no-cache");
              }});
}

void addDocsRoutes(RouteTable& routes, const std::string& publicUrl) {
  routes.add({.route = page("/docs", "This document, for people", "text/html"),
              .handler =
                  [html = pageIn(folderOf(publicUrl))](const HttpRequest&) {
                    if (!viewerFile("docs.js"))
                      throw Error(Code::unsupported,
                                  "This server was built without the viewer that /docs needs "
                                  "(scripts/setup fetches it with npm); see /openapi.json");
                    return served(html, "text/html; charset=utf-8", "no-cache");
                  },
              .notes = {.refusals = {Code::unsupported}}});
  routes.add({.route = page("/docs/:file", "What the page at /docs is made of", "text/*"),
              .handler =
                  [](const HttpRequest& request) {
                    const auto* file = viewerFile(request.params.at("file"));
                    if (!file) throw Error(Code::notFound, "Not found");
                    return served(std::string(file->content), file->type, "public, max-age=86400");
                  },
              .notes = {.refusals = {Code::notFound}}});
}

}  // namespace pombo
