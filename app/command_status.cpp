// `poise status`: services and servers of a running Poise.
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/status.hpp"

#include <chrono>
#include <ostream>
#include <thread>

namespace poise::app {

namespace {

constexpr std::chrono::seconds watch_interval{1};
constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";

int print_once(const StatusOptions& options, Terminal& terminal) {
    const auto answer =
        ask(options.control, {.verb = ControlVerb::status, .service = options.service});
    if (!answer) return terminal.fail(answer.error());
    const bool redraw = options.watch && terminal.out_is_terminal;
    if (options.json) {
        terminal.out << *answer << '\n' << std::flush;
        return exit_good;
    }
    const auto status = status_from_json(*answer);
    if (!status) return terminal.fail(status.error());
    const StatusStyle style{.colour = terminal.out_is_terminal,
                            .now = std::chrono::system_clock::now(),
                            .columns = redraw ? terminal_size().columns : 0};
    terminal.out << (redraw ? clear_screen : "") << status_text(*status, style) << std::flush;
    return exit_good;
}

}  // namespace

int run_status(const StatusOptions& options, Terminal& terminal) {
    int code = print_once(options, terminal);
    // Ends with the Poise that it watches, with its reader, or by a signal.
    while (options.watch && code == exit_good && terminal.out.good()) {
        std::this_thread::sleep_for(watch_interval);
        code = print_once(options, terminal);
    }
    return code;
}

}  // namespace poise::app
