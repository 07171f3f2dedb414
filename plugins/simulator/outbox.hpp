// Messages that were asked for while WhatsApp did not answer: kept with the session until it does.
#pragma once

#include "session_side.hpp"

void putInOutbox(SimulatedSession&, const std::string& operation, const pombo::Json& arguments);
// What is told once they are all sent, under their ids; then it is empty.
std::vector<pombo::Event> sentFromOutbox(const pombo::Instance&, SimulatedSession&,
                                         pombo::TimePoint);

// As events of the instance.
std::vector<pombo::Event> eventsOf(const pombo::InstanceId&, std::vector<Performance::Happening>);
