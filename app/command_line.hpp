// The command line: words to options, options to a command, a command to an exit code.
#pragma once

#include "app/terminal.hpp"

#include <span>
#include <string>

namespace poise::app {

/// `arguments` without the program's name. Returns 0 for success, 1 for failure, 2 for wrong
/// usage. Commands that serve return when they have stopped.
int run_command_line(std::span<const std::string> arguments, Terminal& terminal);

}  // namespace poise::app
