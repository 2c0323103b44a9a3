#include "app/runtime_text.hpp"

#include "app/text.hpp"
#include "config/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace poise::app {

std::string_view word(pool::AdminState state) {
    switch (state) {
        case pool::AdminState::online:
            return "online";
        case pool::AdminState::drain:
            return "drain";
        case pool::AdminState::halt:
            break;
    }
    return "halt";
}

std::string node_changes(const std::string& path, const config::Node& in_force) {
    if (path.empty()) return {};
    const auto loaded = config::load_node(path);
    if (!loaded) {
        return fmt::format("{} has errors, and Poise would not start again: {}", path,
                           config::to_string(loaded.error().front()));
    }
    if (*loaded == in_force) return {};
    // Every key stands in a line of its own, in the same order.
    const auto before = lines_of(config::effective_yaml(in_force));
    const auto after = lines_of(config::effective_yaml(*loaded));
    std::string keys;
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
        // The last group has keys that may be missing.
        const std::string& line = i < after.size() ? after[i] : before[i];
        if (i < before.size() && i < after.size() && before[i] == after[i]) continue;
        const auto start = std::min(line.find_first_not_of(' '), line.size());
        keys += (keys.empty() ? "" : ", ") + line.substr(start, line.find(':') - start);
    }
    return fmt::format("{} has changed ({}): that needs a restart", path, keys);
}

std::string listen_text(const config::Listen& listen) {
    const std::string range = listen.port_last == 0 ? "" : fmt::format("-{}", listen.port_last);
    return to_string(listen.address) + range;
}

std::string service_line(const config::Service& service) {
    std::string listen;
    for (const auto& place : service.listen)
        listen += (listen.empty() ? "" : ", ") + listen_text(place);
    const bool layer4 = service.mode != config::Mode::snat;
    return fmt::format("service {}: {}{} on {}, {} server{}, {}", service.name,
                       layer4 ? fmt::format("mode {}, ", config::word(service.mode)) : "",
                       config::word(service.protocol), listen.empty() ? "no address" : listen,
                       service.servers.size(), service.servers.size() == 1 ? "" : "s",
                       config::word(service.scheduler));
}

}  // namespace poise::app
