// Words and lines of the runtime's log.
#pragma once

#include "config/model.hpp"
#include "pool/real_server.hpp"

#include <string>
#include <string_view>

namespace poise::app {

std::string_view word(pool::AdminState state);

/// What a restart would change, for the node's settings are read at the start only: a sentence, or
/// empty when `path` still says what is in force. `path` may be empty: there is no file.
std::string node_changes(const std::string& path, const config::Node& in_force);

/// "10.0.0.1:80", "10.0.0.1:5000-5100".
std::string listen_text(const config::Listen& listen);

/// "service web: http on [::]:80, 2 servers, wlc"
std::string service_line(const config::Service& service);

}  // namespace poise::app
