// Words and lines of the runtime's log.
#pragma once

#include "config/model.hpp"
#include "pool/real_server.hpp"

#include <string>
#include <string_view>

namespace poise::app {

std::string_view word(pool::AdminState state);

/// "service web: http on [::]:80, 2 servers, wlc"
std::string service_line(const config::Service& service);

}  // namespace poise::app
