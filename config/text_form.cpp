#include "config/text_form.hpp"

#include "config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::config {

namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token_char(char c) {
    return is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

bool is_name_char(char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}

// What an address and port may hold, as servers are named after theirs.
bool is_server_name_char(char c) {
    return is_name_char(c) || c == ':' || c == '[' || c == ']';
}

}  // namespace

std::optional<Problem> check_line(std::string_view text) {
    constexpr std::size_t length_max = 4'096;
    if (text.size() > length_max)
        return Problem{fmt::format("must not be longer than {} bytes", length_max)};
    if (std::ranges::none_of(text, is_control)) return std::nullopt;
    return Problem{
        fmt::format("must be one line without control characters, found {}", quote(text))};
}

std::optional<Problem> check_body(std::string_view text) {
    constexpr std::size_t length_max = 16'384;
    if (text.size() > length_max)
        return Problem{fmt::format("must not be longer than {} KiB", length_max >> 10)};
    const auto is_bad = [](char c) {
        return is_control(c) && !std::string_view("\t\r\n").contains(c);
    };
    if (std::ranges::none_of(text, is_bad)) return std::nullopt;
    return Problem{fmt::format("must not contain control characters, found {}", quote(text))};
}

std::optional<Problem> check_request_path(std::string_view text) {
    if (auto problem = check_line(text)) return problem;
    if (!text.starts_with('/'))
        return Problem{fmt::format("must begin with '/', found {}", quote(text))};
    const auto is_bad = [](char c) { return is_control(c) || c == ' ' || c == '#'; };
    if (std::ranges::none_of(text, is_bad)) return std::nullopt;
    return Problem{fmt::format("must not contain spaces or '#', found {}", quote(text)),
                   "write a space as %20"};
}

std::optional<Problem> check_rule_path(std::string_view text) {
    if (text.contains('?')) {
        return Problem{fmt::format("must be a path without a query, found {}", quote(text)),
                       "rules compare what stands before the '?'"};
    }
    return check_request_path(text);
}

std::optional<Problem> check_token(std::string_view text) {
    if (!text.empty() && std::ranges::all_of(text, is_token_char)) return std::nullopt;
    return Problem{fmt::format("must be a word of letters, digits and '-', found {}", quote(text))};
}

std::optional<Problem> check_host(std::string_view text) {
    if (text.empty() || is_host_name(text) || parse_ip(text)) return std::nullopt;
    return Problem{fmt::format("must be a host name without a port, found {}", quote(text))};
}

std::optional<Problem> check_host_pattern(std::string_view text) {
    const std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
    if (is_host_name(name) || parse_ip(text)) return std::nullopt;
    return Problem{
        fmt::format("must be a host name such as www.example.com or \"*.example.com\", found {}",
                    quote(text)),
        text.contains(':') ? "leave out the port: rules compare the name alone" : ""};
}

std::optional<Problem> check_name(std::string_view text) {
    constexpr std::size_t length_max = 64;
    const bool is_short = !text.empty() && text.size() <= length_max;
    if (is_short && is_letter_or_digit(text.front()) && std::ranges::all_of(text, is_name_char))
        return std::nullopt;
    return Problem{
        fmt::format("must be a name of letters, digits, '.', '-' and '_', found {}", quote(text)),
        text.size() > length_max ? fmt::format("at most {} characters", length_max) : ""};
}

std::optional<Problem> check_server_name(std::string_view text) {
    constexpr std::size_t length_max = 260;  // the longest host name and a port
    if (!text.empty() && text.size() <= length_max &&
        std::ranges::all_of(text, is_server_name_char))
        return std::nullopt;
    return Problem{
        fmt::format("must be a name of letters, digits and '.-_:[]', found {}", quote(text))};
}

}  // namespace poise::config
