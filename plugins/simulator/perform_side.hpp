#pragma once

#include "links_side.hpp"

// As IConnector::perform.
pombo::Json performBy(SimulatedLinks&, pombo::IHost&, const pombo::Instance&,
                      const std::string& name, const pombo::Json& arguments,
                      const std::vector<pombo::Media>& files = {});
