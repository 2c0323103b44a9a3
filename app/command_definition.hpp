// How a command of `poise` is made known to the command line.
#pragma once

#include "app/terminal.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class Validator;
}  // namespace CLI

namespace poise::app {

/// Commands define themselves by it: each sets what is to be done when it is the chosen one.
struct Definition {
    CLI::App& app;
    Terminal& terminal;
    std::function<int()>& chosen;

    /// A command whose options live as long as the command line.
    template <typename Options, typename Run>
    CLI::App* command(const std::string& name, const std::string& help, const std::string& example,
                      const std::shared_ptr<Options>& options, Run run) const {
        return add(name, help, example,
                   [&out = terminal, options, run] { return run(*options, out); });
    }
    /// A command within `outer`.
    Definition within(CLI::App& outer) const { return {outer, terminal, chosen}; }

private:
    CLI::App* add(const std::string& name, const std::string& help, const std::string& example,
                  std::function<int()> run) const;
};

CLI::Validator whole_number(std::uint32_t least, std::uint32_t most);
void add_control(CLI::App* command, std::string& control);

/// pair, takeover, standby and settings.
void define_pair(const Definition& define);

}  // namespace poise::app
