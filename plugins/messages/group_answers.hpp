// How groups, communities and channels are shown. What a connector says of one has the keys that
// are shown, and need have no more of them than `jid`.
#pragma once

#include <boost/json.hpp>

boost::json::object groupInfo(const boost::json::value& group);
boost::json::object groupDetail(const boost::json::value& group, bool withParticipants);
boost::json::object groupRow(const boost::json::value& group, bool withMembers);
boost::json::object channel(const boost::json::value& channel);

// Schemas of the same.
boost::json::value groupInfoSchema();
boost::json::value groupDetailSchema();
boost::json::value groupRowSchema();
boost::json::value channelSchema();
boost::json::value groupSettingsSchema();
