// What is said over the control socket: one JSON object a line, each way.
#pragma once

#include "config/load.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace poise::app {

enum class ControlVerb : std::uint8_t {
    ping,
    status,
    drain,
    halt,
    online,
    weight,
    reload,
    why,
    takeover,
    standby,
    settings,      // whether both nodes have the same
    take_settings  // the other node's replace this one's
};

std::string_view word(ControlVerb verb);

struct ControlRequest {
    ControlVerb verb = ControlVerb::ping;
    std::string service;       // status: only this one, empty for all; drain and the like
    std::string server;        // drain, halt, online, weight
    std::uint32_t weight = 0;  // 0 to 256
    std::string request_id;    // why: of a request, or a service; empty: the last incidents
    bool force = false;        // takeover: whatever speaks against it

    bool operator==(const ControlRequest&) const = default;
};

/// {"command":"weight","service":"web","server":"web1","weight":50}
std::string to_json(const ControlRequest& request);
/// The error is a sentence. Unknown keys are errors: a newer client must not be half understood.
std::expected<ControlRequest, std::string> parse_control_request(std::string_view line);

/// {"ok":true,"result":...}, or {"ok":false,"error":"...","diagnostics":["..."]}.
struct ControlAnswer {
    bool ok = false;
    std::string result;  // JSON text
    std::string error;
    std::vector<std::string> diagnostics;  // as people read them
};

std::string to_json(const ControlAnswer& answer);
/// nullopt-like: an error when the line is no such object.
std::expected<ControlAnswer, std::string> parse_control_answer(std::string_view line);

}  // namespace poise::app
