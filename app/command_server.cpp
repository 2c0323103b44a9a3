// `poise drain`, `halt`, `online`, `weight` and `reload`: orders to a running Poise.
#include "app/commands.hpp"
#include "app/control_client.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace poise::app {

using nlohmann::json;

namespace {

int print_server(const json& now, Terminal& terminal) {
    const auto connections = now.at("connections").get<std::uint64_t>();
    terminal.out << fmt::format(
        "{}/{}: {}, weight {}, {} connection{}\n", now.at("service").get<std::string>(),
        now.at("server").get<std::string>(), now.at("state").get<std::string>(),
        now.at("weight").get<std::uint32_t>(), connections, connections == 1 ? "" : "s");
    return exit_good;
}

int print_reload(const json& done, Terminal& terminal) {
    terminal.out << fmt::format("generation {} is in force\n",
                                done.at("generation").get<std::uint64_t>());
    for (const auto& change : done.at("changes").get<std::vector<std::string>>())
        terminal.out << change << '\n';
    return exit_good;
}

// Asks and has `print` tell the answer to people, unless it is to be JSON.
int order(const ControlRequest& request, const std::string& control, bool as_json,
          int (*print)(const json&, Terminal&), Terminal& terminal) {
    const auto answer = ask(control, request);
    if (!answer) return terminal.fail(answer.error());
    if (as_json) {
        terminal.out << *answer << '\n';
        return exit_good;
    }
    try {
        return print(json::parse(*answer), terminal);
    } catch (const json::exception&) {
        return terminal.fail("the answer is not one that a Poise gives");
    }
}

}  // namespace

int run_server_command(const ServerOptions& options, Terminal& terminal) {
    // At the first slash: names of services have none.
    const std::size_t slash = options.target.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == options.target.size()) {
        terminal.fail("'" + options.target + "' is no SERVICE/SERVER, such as web/web1");
        return exit_usage;
    }
    const ControlRequest request{.verb = options.verb,
                                 .service = options.target.substr(0, slash),
                                 .server = options.target.substr(slash + 1),
                                 .weight = options.weight};
    return order(request, options.control, options.json, print_server, terminal);
}

int run_reload(const ReloadOptions& options, Terminal& terminal) {
    return order({.verb = ControlVerb::reload}, options.control, options.json, print_reload,
                 terminal);
}

}  // namespace poise::app
