#include "app/state_key.hpp"

#include "admin/file.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

namespace poise::app {

std::string state_folder() {
    // Read while the program starts, before there are other threads.
    const char* given = std::getenv("STATE_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
    const std::string_view words = given == nullptr ? "" : given;
    const std::string_view first = words.substr(0, words.find(':'));
    return first.empty() ? "/var/lib/poise" : std::string(first);
}

StateKey load_state_key(const std::string& folder) {
    auto loaded = persistence::load_or_create_key(folder + "/cookie.key");
    if (loaded) return {*loaded, ""};
    return {persistence::random_cookie_key(), loaded.error()};
}

StateKey save_state_key(const std::string& folder, const persistence::CookieKey& key) {
    std::string text;
    for (const std::uint8_t byte : key)
        text += fmt::format("{:02x}", byte);
    const auto written = admin::write_whole(folder + "/cookie.key", text + "\n", 0600);
    return {key, written ? "" : written.error()};
}

}  // namespace poise::app
