// Base64 of what is no secret. Botan's, which keys and tokens have, takes as long whatever the
// bytes are: so long that sealing spent most of its time there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pombo {

std::string quickBase64(std::string_view bytes);
// Nothing but what quickBase64() writes of one byte or more.
std::optional<std::string> fromQuickBase64(std::string_view text);

}  // namespace pombo
