#include "app/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <iterator>
#include <unistd.h>

namespace poise::app {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::string printable(std::string_view text) {
    std::string shown;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(shown), "\\x{:02x}", byte);
        } else {
            shown += c;
        }
    }
    return shown;
}

namespace {

// The bytes at the start of `text` that belong together: a colour, or one character of UTF-8.
std::size_t piece_length(std::string_view text) {
    if (text.starts_with("\x1b[")) return std::min(text.find('m'), text.size() - 1) + 1;
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
        ++length;
    return length;
}

}  // namespace

std::string host_name() {
    std::string name(256, '\0');
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    name.resize(name.find('\0'));
    return name;
}

std::string clipped(std::string_view line, std::size_t columns) {
    if (columns == 0) return std::string(line);
    bool coloured = false;
    std::size_t used = 0;
    std::size_t last = 0;  // where the character in the last column begins
    for (std::size_t at = 0; at < line.size();) {
        const std::string_view rest = line.substr(at);
        const bool is_colour = rest.starts_with("\x1b[");
        coloured = coloured || is_colour;
        if (!is_colour && used == columns)
            return std::string(line.substr(0, last)) + "…" + (coloured ? "\x1b[0m" : "");
        if (!is_colour && ++used == columns) last = at;
        at += piece_length(rest);
    }
    return std::string(line);
}

std::string time_text(std::chrono::system_clock::time_point at) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
    std::tm broken{};
    const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &broken);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&broken));
}

}  // namespace poise::app
