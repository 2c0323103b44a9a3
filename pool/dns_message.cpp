#include "pool/dns_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace poise::pool {

namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t name_bytes_max = 253;

void append_16(std::string& to, std::uint16_t value) {
    to += static_cast<char>(value >> 8);
    to += static_cast<char>(value & 0xff);
}

}  // namespace

std::string make_dns_query(std::uint16_t id, std::string_view name) {
    constexpr std::uint16_t recursion_desired = 0x0100;
    constexpr std::uint16_t type_a = 1, type_ns = 2, class_in = 1;
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.size() > name_bytes_max) return "";

    std::string query;
    for (const std::uint16_t word : {id, recursion_desired, std::uint16_t{1}, std::uint16_t{0},
                                     std::uint16_t{0}, std::uint16_t{0}})
        append_16(query, word);
    const auto type = name.empty() ? type_ns : type_a;
    while (!name.empty()) {
        const auto dot = std::min(name.find('.'), name.size());
        if (dot == 0 || dot > label_bytes_max) return "";
        query += static_cast<char>(dot);
        query += name.substr(0, dot);
        if (dot + 1 == name.size()) return "";  // a dot, and no label after it
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    query += '\0';
    append_16(query, type);
    append_16(query, class_in);
    return query;
}

std::optional<int> dns_response_code(std::string_view message, std::string_view query) {
    if (message.size() < header_bytes || message.substr(0, 2) != query.substr(0, 2))
        return std::nullopt;
    const auto flags_high = static_cast<unsigned char>(message[2]);
    const auto flags_low = static_cast<unsigned char>(message[3]);
    constexpr unsigned char response_bit = 0x80;
    if ((flags_high & response_bit) == 0) return std::nullopt;
    // A server that refuses early may leave the question out; where it stands, it must be ours.
    const auto question = query.substr(header_bytes);
    const bool has_question = message[4] != 0 || message[5] != 0;
    const auto asked = message.substr(header_bytes, question.size());
    if (has_question && !std::ranges::equal(asked, question, [](unsigned char a, unsigned char b) {
            return std::tolower(a) == std::tolower(b);
        }))
        return std::nullopt;
    return flags_low & 0x0f;
}

std::string dns_code_name(int code) {
    constexpr std::array<const char*, 6> names{"NOERROR",  "FORMERR", "SERVFAIL",
                                               "NXDOMAIN", "NOTIMP",  "REFUSED"};
    if (code >= 0 && static_cast<std::size_t>(code) < names.size())
        return names[static_cast<std::size_t>(code)];
    return fmt::format("code {}", code);
}

}  // namespace poise::pool
