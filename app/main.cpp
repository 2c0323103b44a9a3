// The program's door: everything happens in commands.
#include "app/command_line.hpp"
#include "ha/guardian.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <vector>

int main(int count, char** words) {
    // Started by `poise serve` with descriptors of its own: no command for people.
    if (count == 2 && std::string_view(words[1]) == "guardian") return poise::ha::run_guardian();
    poise::app::Terminal terminal = poise::app::standard_terminal();
    try {
        const std::vector<std::string> arguments(words + 1, words + count);
        return poise::app::run_command_line(arguments, terminal);
    } catch (const std::exception& error) {
        // Startup failures that no command expects: no memory, no thread, no epoll.
        return terminal.fail(error.what());
    }
}
