#include "app/terminal.hpp"

#include <cstdlib>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace poise::app {

int Terminal::fail(std::string_view message) {
    err << "poise: " << message << '\n' << std::flush;
    return exit_failure;
}

TerminalSize terminal_size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
    return {.columns = size.ws_col, .rows = size.ws_row};
}

Terminal standard_terminal() {
    // https://no-color.org: the variable, when not empty, asks for plain text.
    const char* no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
    const bool plain = no_colour != nullptr && *no_colour != '\0';
    return {std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1 && !plain,
            ::isatty(STDIN_FILENO) == 1};
}

}  // namespace poise::app
