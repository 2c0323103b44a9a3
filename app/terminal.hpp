// Where a command prints, and whether a person sees it.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string_view>

namespace poise::app {

/// Exit codes of every command.
constexpr int exit_good = 0;
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

struct Terminal {
    std::ostream& out;             // results
    std::ostream& err;             // errors
    bool out_is_terminal = false;  // colours and redrawing make sense
    bool in_is_terminal = false;

    /// "poise: MESSAGE" on the standard error; returns exit_failure.
    int fail(std::string_view message);
};

struct TerminalSize {
    std::size_t columns = 0, rows = 0;  // 0: not known
};
/// Of the standard output, now: windows change.
TerminalSize terminal_size();

/// Of the process's own standard streams.
Terminal standard_terminal();

}  // namespace poise::app
