// `poise drain`, `halt`, `online`, `weight` and `reload`: orders to a running Poise.
#include "app/commands.hpp"
#include "app/control_client.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <ostream>

namespace poise::app {

using nlohmann::json;

int run_server_command(const ServerOptions& options, Terminal& terminal) {
    // At the first slash: names of services have none.
    const std::size_t slash = options.target.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == options.target.size()) {
        terminal.fail("'" + options.target + "' is no SERVICE/SERVER, such as web/web1");
        return exit_usage;
    }
    const auto answer = ask(options.control, {.verb = options.verb,
                                              .service = options.target.substr(0, slash),
                                              .server = options.target.substr(slash + 1),
                                              .weight = options.weight});
    if (!answer) return terminal.fail(answer.error());
    const json text = json::parse(*answer, nullptr, false);
    if (!text.is_string()) return terminal.fail("the answer is not one that a Poise gives");
    terminal.out << text.get_ref<const std::string&>() << '\n';
    return exit_good;
}

int run_reload(const std::string& control, Terminal& terminal) {
    const auto answer = ask(control, {.verb = ControlVerb::reload});
    if (!answer) return terminal.fail(answer.error());
    const json result = json::parse(*answer, nullptr, false);
    if (!result.is_object()) return terminal.fail("the answer is not one that a Poise gives");
    std::string changes = result.value("changes", std::string());
    while (changes.ends_with('\n'))
        changes.pop_back();
    terminal.out << "generation " << result.value("generation", 0) << " is in force\n"
                 << changes << '\n';
    return exit_good;
}

}  // namespace poise::app
