#include "app/usage.hpp"

#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

namespace poise::app {

namespace {

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options()) {
        for (const std::string& name : option->get_lnames())
            names.push_back("--" + name);
        for (const std::string& name : option->get_snames())
            names.push_back("-" + name);
    }
    return names;
}

// --confg=x is a try at an option named --confg.
std::string unknown_option(const CLI::App& command, std::string_view word) {
    word = word.substr(0, word.find('='));
    const std::vector<std::string> names = option_names(command);
    const std::vector<std::string_view> known(names.begin(), names.end());
    std::string text = fmt::format("there is no option \"{}\"", word);
    const auto found = config::unknown_word({}, "option", word, known);
    for (const std::string& name : names)
        if (name.size() > 2 && found.hint == fmt::format("did you mean '{}'?", name))
            text += fmt::format("; did you mean {}?", name);
    return text;
}

// CLI11 gives the words that were left over in an order of its own.
std::string left_over(const CLI::App& command) {
    const std::vector<std::string> words = command.remaining();
    const auto option =
        std::ranges::find_if(words, [](const auto& w) { return w.starts_with('-'); });
    if (option != words.end()) return unknown_option(command, *option);
    return fmt::format("\"{}\" is one word too many", words.empty() ? "" : words.front());
}

std::string sentence(const CLI::App& command, const CLI::ParseError& error) {
    std::string what = error.what();
    const std::size_t colon = what.find(": ");
    const auto kind = static_cast<CLI::ExitCodes>(error.get_exit_code());
    if (kind == CLI::ExitCodes::ExtrasError) return left_over(command);
    if (kind == CLI::ExitCodes::ArgumentMismatch) {
        const bool repeated = what.find("At Most") != std::string::npos;
        return what.substr(0, colon) + (repeated ? " is given more than once" : " needs a value");
    }
    if (kind == CLI::ExitCodes::ValidationError && colon != std::string::npos)
        return what.substr(0, colon) + what.substr(colon + 1);
    return what;
}

std::string told(const std::string& command, const std::string& what) {
    return fmt::format("{0}: {1}\n`{0} --help` tells what it takes\n", command, what);
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const auto parsed = app.get_subcommands();
    if (parsed.empty()) return told(app.get_name(), sentence(app, error));
    const CLI::App& command = *parsed.front();
    return told(app.get_name() + " " + command.get_name(), sentence(command, error));
}

std::string unknown_first_option(const CLI::App& app, const std::string& word) {
    const std::vector<std::string> names = option_names(app);
    if (!word.starts_with('-') || std::ranges::find(names, word) != names.end()) return {};
    return told(app.get_name(), unknown_option(app, word) + "; options follow the command");
}

}  // namespace poise::app
