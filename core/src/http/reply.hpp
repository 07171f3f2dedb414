// From what handlers say to what goes out: the one place that knows statuses and envelopes.
#pragma once

#include "block/route_table.hpp"
#include "http/exchange.hpp"

namespace pombo {

int statusOf(Code);

Answer answerOf(const HttpReply&);
// For what is answered later: in the server's envelope.
HttpReply replyOf(const Error&);
// In the server's envelope, or in the dialect when there is one.
Answer answerOf(const Refusal&, const ErrorWriter* dialect, std::chrono::seconds retryAfter);
Answer refusalOf(Code, const std::string& sentence);
Answer closing(Answer);  // the same, and the connection ends

}  // namespace pombo
