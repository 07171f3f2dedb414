// What this block keeps, as tables. Each has a column instance_id.
#pragma once

#include <array>
#include <vector>

#include "pombo/storage.hpp"

inline constexpr std::array kTableNames{
    "messages_kept",     "messages_counts",   "messages_chats",
    "messages_spans",    "messages_votes",    "messages_labels",
    "messages_labelled", "messages_contacts", "messages_cleared"};

std::vector<pombo::Migration> messagesTables();
