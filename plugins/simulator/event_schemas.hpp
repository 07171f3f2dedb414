#pragma once

// core/wire/events.json, put in here by the build: what each event may carry.
extern const char kEventSchemas[];
