// The program's door: everything happens in commands.
#include "app/command_line.hpp"

#include <exception>
#include <string>
#include <vector>

int main(int count, char** words) {
    poise::app::Terminal terminal = poise::app::standard_terminal();
    try {
        const std::vector<std::string> arguments(words + 1, words + count);
        return poise::app::run_command_line(arguments, terminal);
    } catch (const std::exception& error) {
        // Startup failures that no command expects: no memory, no thread, no epoll.
        return terminal.fail(error.what());
    }
}
