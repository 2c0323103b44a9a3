#include "admin/message.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace poise::admin {

std::string_view word(Method method) {
    constexpr std::array<std::string_view, 6> words{"GET", "HEAD", "POST", "PUT", "DELETE", ""};
    return words[static_cast<std::size_t>(method)];
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        unsigned value = 0;
        if (i + 2 >= text.size()) return std::nullopt;
        const char* const end = text.data() + i + 3;
        const auto [at, error] = std::from_chars(text.data() + i + 1, end, value, 16);
        if (error != std::errc{} || at != end) return std::nullopt;
        decoded += static_cast<char>(value);
        i += 2;
    }
    return decoded;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(pair.size() + (pair.size() < query.size() ? 1 : 0));
        const std::size_t equals = pair.find('=');
        if (pair.substr(0, equals) != name) continue;
        if (equals == std::string_view::npos) return "";
        return percent_decoded(pair.substr(equals + 1));
    }
    return std::nullopt;
}

std::string_view cookie_value(std::string_view cookie_field, std::string_view name) {
    while (!cookie_field.empty()) {
        std::string_view pair = cookie_field.substr(0, cookie_field.find(';'));
        cookie_field.remove_prefix(pair.size() + (pair.size() < cookie_field.size() ? 1 : 0));
        while (pair.starts_with(' '))
            pair.remove_prefix(1);
        if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
            return pair.substr(name.size() + 1);
    }
    return {};
}

}  // namespace poise::admin
