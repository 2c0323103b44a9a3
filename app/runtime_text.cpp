#include "app/runtime_text.hpp"

#include <fmt/format.h>

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

std::string service_line(const config::Service& service) {
    std::string listen;
    for (const auto& place : service.listen)
        listen += (listen.empty() ? "" : ", ") + to_string(place.address);
    return fmt::format("service {}: {} on {}, {} server{}, {}", service.name,
                       config::word(service.protocol), listen.empty() ? "no address" : listen,
                       service.servers.size(), service.servers.size() == 1 ? "" : "s",
                       config::word(service.scheduler));
}

}  // namespace poise::app
