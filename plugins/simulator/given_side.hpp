#pragma once

#include <vector>

#include "pombo/connector.hpp"

// What a simulated phone makes of the file among the arguments of a message, if there is one,
// whether it is named by `mediaFile` or there as `mediaBase64`: it has `mediaBase64`, null when the
// file is too large for it to keep, and `sha256`. Throws Error{invalid, unavailable}.
pombo::Json withFile(const pombo::Json& arguments, const std::vector<pombo::Media>& files);
