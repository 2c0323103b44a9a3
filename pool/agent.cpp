#include "pool/agent.hpp"

#include "pool/conversation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace poise::pool {

namespace {

using Admission = AgentState::Admission;

constexpr std::uint32_t percent_max = 100;
constexpr std::uint32_t weight_max = 256;
constexpr std::uint32_t connections_max_max = 1'000'000'000;

// What comes from the network goes into logs: no control characters, no bytes above ASCII.
std::string printable(std::string_view text) {
    std::string out(text);
    std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// All digits, nothing else, and at most `max`.
std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value > max) return std::nullopt;
    return value;
}

// Words with a number in them. False when `word` is none, or its number is out of range.
bool apply_number(std::string_view word, AgentState& state) {
    if (word.ends_with('%')) {
        state.percent = number(word.substr(0, word.size() - 1), percent_max);
        return state.percent.has_value();
    }
    const auto colon = word.find(':');
    if (colon == std::string_view::npos) return false;
    const auto key = word.substr(0, colon);
    const auto value = word.substr(colon + 1);
    if (key == "weight") {
        state.weight = number(value, weight_max);
        return state.weight.has_value();
    }
    if (key == "maxconn") {
        state.connections_max = number(value, connections_max_max);
        return state.connections_max.has_value();
    }
    return false;
}

bool apply_word(std::string_view word, AgentState& state) {
    if (word == "up") {
        state.down = false;
    } else if (word == "down" || word == "fail" || word == "failed" || word == "stopped") {
        state.down = true;
    } else if (word == "ready") {
        state.admission = Admission::ready;
    } else if (word == "drain") {
        state.admission = Admission::drain;
    } else if (word == "maint") {
        state.admission = Admission::maint;
    } else {
        return apply_number(word, state);
    }
    state.reason = word == "fail" || word == "failed" || word == "stopped" ? word : "";
    return true;
}

}  // namespace

std::expected<AgentState, std::string> parse_agent_line(std::string_view line, AgentState before) {
    line = line.substr(0, line.find_first_of("\r\n"));
    if (line.size() > agent_line_bytes_max)
        return std::unexpected(fmt::format("longer than {} bytes", agent_line_bytes_max));

    const auto hash = line.find('#');
    const auto reason = hash == std::string_view::npos ? "" : trimmed(line.substr(hash + 1));
    const auto words = lower(line.substr(0, hash));
    constexpr std::string_view separators = " \t,";
    bool any = false;
    for (auto at = words.find_first_not_of(separators); at != std::string::npos;) {
        const auto end = std::min(words.find_first_of(separators, at), words.size());
        const auto word = std::string_view(words).substr(at, end - at);
        if (!apply_word(word, before))
            return std::unexpected(fmt::format("unknown word '{}'", printable(word)));
        any = true;
        at = words.find_first_not_of(separators, end);
    }
    if (!any) return std::unexpected("an empty line");
    if (!reason.empty()) before.reason = printable(reason);
    if (!before.down && before.admission == Admission::ready) before.reason.clear();
    return before;
}

Task<std::expected<std::string, std::string>> ask_agent(Address agent,
                                                        std::chrono::milliseconds limit) {
    Conversation conversation(co_await this_executor(), limit);
    if (auto wrong = co_await conversation.connect(agent); !wrong.empty())
        co_return std::unexpected(std::move(wrong));
    // Some agents end the line by closing alone.
    const std::string& received = conversation.received();
    while (!conversation.ended() && received.find('\n') == std::string::npos &&
           received.size() <= agent_line_bytes_max) {
        if (auto wrong = co_await conversation.receive("the agent's line"); !wrong.empty())
            co_return std::unexpected(std::move(wrong));
    }
    if (received.empty()) co_return std::unexpected("closed without a line");
    co_return received.substr(0, agent_line_bytes_max + 1);
}

}  // namespace poise::pool
