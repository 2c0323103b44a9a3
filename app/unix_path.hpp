// Paths of unix sockets: where the control socket is, and addresses made of paths.
#pragma once

#include <expected>
#include <string>
#include <sys/un.h>

namespace poise::app {

/// The address of `path`. The error says how long a path may be.
std::expected<sockaddr_un, std::string> unix_address(const std::string& path);

/// `wanted`, or the default: /run/poise.sock for root, else $XDG_RUNTIME_DIR/poise.sock; empty
/// when neither is there. Reads the environment: call it while there is one thread.
std::string control_path(const std::string& wanted);

}  // namespace poise::app
