// What a server's own agent last said of its load and readiness, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace poise::pool {

/// Words that an agent sends change only what they speak of; the rest stays as it was.
struct AgentState {
    enum class Admission : std::uint8_t { ready, drain, maint };  // maint: nothing, known or new

    std::optional<std::uint32_t> percent;          // of the weight; 0 to 100
    std::optional<std::uint32_t> weight;           // 0 to 256, in place of the configured one
    std::optional<std::uint32_t> connections_max;  // 0: no limit
    Admission admission = Admission::ready;
    bool down = false;
    std::string reason;  // why it is down, drained or in maintenance; may be empty

    bool operator==(const AgentState&) const = default;
};

}  // namespace poise::pool
