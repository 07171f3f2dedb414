#include "http/media_routes.hpp"

#include "http/attachment.hpp"

namespace pombo {
namespace {

Route mediaRoute() {
  // None of them is required: whatever is wrong with a link, it is told in one way.
  return {.path = "/media/:id",
          .access = Access::open,
          .summary = "The bytes of a received medium",
          .query = {{.name = "exp", .doc = "Of the link: until when it is good, in Unix seconds."},
                    {.name = "sig", .doc = "Of the link: its signature.", .secret = true}},
          .reply = {{"type", "string"}, {"contentMediaType", "*/*"}},
          .bucket = Bucket::resource};
}

HttpReply mediaReply(Media media) {
  HttpReply reply{.headers = {{"cache-control", "private, max-age=3600"},
                              {"content-disposition", attachmentNamed(media.fileName)},
                              {"content-security-policy", "default-src 'none'; sandbox"},
                              {"content-type", contentTypeOf(media.mimeType)},
                              {"referrer-policy", "no-referrer"},
                              {"x-content-type-options", "nosniff"}}};
  reply.file = std::move(media);
  return reply;
}

}  // namespace

void addMediaRoutes(RouteTable& routes, const MediaLinks& links, Spool& spool) {
  routes.add({.route = mediaRoute(),
              .handler =
                  [&](const HttpRequest& request) {
                    const Fields query(request.query);
                    const std::string& id = request.params.at("id");
                    if (!links.opens(id, query.get<std::string>("exp", ""),
                                     query.get<std::string>("sig", "")))
                      throw Error(Code::forbidden, "Link is invalid or expired");
                    auto media = spool.find(id);
                    if (!media) throw Error(Code::notFound, "Media not found");
                    return mediaReply(std::move(*media));
                  },
              .notes = {.refusals = {Code::forbidden, Code::notFound}}});
}

}  // namespace pombo
