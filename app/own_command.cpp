#include "app/own_command.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace poise::app {

namespace fs = std::filesystem;

namespace {

constexpr const char* name = "poise";

std::string quoted(const std::string& path) {
    const bool plain = std::ranges::all_of(path, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/._-+").find(c) != std::string_view::npos;
    });
    if (plain) return path;
    std::string out = "'";
    for (const char c : path)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + '\'';
}

}  // namespace

std::string own_file() {
    std::error_code ignored;  // the path is then empty
    return fs::read_symlink("/proc/self/exe", ignored).string();
}

std::string own_command(const std::string& own, std::string_view search) {
    if (own.empty()) return name;
    while (!search.empty()) {
        const std::size_t end = search.find(':');
        const fs::path file = fs::path(search.substr(0, end)) / name;
        search.remove_prefix(end == std::string_view::npos ? search.size() : end + 1);
        std::error_code error;
        if (!fs::exists(file, error)) continue;
        return fs::equivalent(file, own, error) ? name : quoted(own);  // the first one is called
    }
    return quoted(own);
}

}  // namespace poise::app
