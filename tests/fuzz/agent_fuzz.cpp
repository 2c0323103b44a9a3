// Feeds the parser of agent lines with anything: what it gives must be within its own bounds.
#include "pool/agent.hpp"

#include <cassert>
#include <cstdint>
#include <string_view>

using namespace poise::pool;

namespace {

void check(const AgentState& state) {
    assert(!state.percent || *state.percent <= 100);
    assert(!state.weight || *state.weight <= 256);
    assert(state.reason.size() <= agent_line_bytes_max);
    for (const char c : state.reason)
        assert(c >= 0x20 && c <= 0x7e);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    // The first line, then the second on top of what the first has made.
    const auto first = parse_agent_line(input, {});
    if (!first) {
        assert(!first.error().empty());
        return 0;
    }
    check(*first);
    const auto end = input.find('\n');
    if (end == std::string_view::npos) return 0;
    if (const auto second = parse_agent_line(input.substr(end + 1), *first)) check(*second);
    return 0;
}
