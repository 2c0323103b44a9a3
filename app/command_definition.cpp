#include "app/command_definition.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <utility>

namespace poise::app {

CLI::App* Definition::add(const std::string& name, const std::string& help,
                          const std::string& example, std::function<int()> run) const {
    CLI::App* made = app.add_subcommand(name, help);
    made->footer("Example:\n  " + example);
    made->callback([&to = chosen, run = std::move(run)] { to = run; });
    return made;
}

CLI::Validator whole_number(std::uint32_t least, std::uint32_t most) {
    const std::string range = fmt::format("{} to {}", least, most);
    return {[=](std::string& text) {
                std::uint32_t n = 0;
                const char* end = text.data() + text.size();
                const auto [at, error] = std::from_chars(text.data(), end, n);
                const bool good = error == std::errc{} && at == end && n >= least && n <= most;
                return good
                           ? std::string()
                           : fmt::format("must be a whole number from {}, found '{}'", range, text);
            },
            range};
}

void add_control(CLI::App* command, std::string& control) {
    command->add_option("--control", control, "Path of the control socket");
}

}  // namespace poise::app
