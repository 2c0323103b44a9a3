// `poise why`: explains refusals, failures and dropped packets, and the last changes of owner.
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/incident_text.hpp"
#include "app/pair_text.hpp"
#include "app/status.hpp"

#include <chrono>
#include <ostream>

namespace poise::app {

namespace {

// Only with a pair; a Poise that does not tell its status has none to tell of here.
std::string owners(const std::string& control) {
    const auto answer = ask(control, {.verb = ControlVerb::status});
    if (!answer) return {};
    const auto status = status_from_json(*answer);
    if (!status || !status->pair) return {};
    return changes_text(*status->pair, std::chrono::system_clock::now());
}

}  // namespace

int run_why(const WhyOptions& options, Terminal& terminal) {
    const auto answer =
        ask(options.control, {.verb = ControlVerb::why, .request_id = options.about});
    if (!answer) return terminal.fail(answer.error());
    terminal.out << (options.json ? *answer + '\n' : incidents_text(*answer, options.about));
    if (options.about.empty() && !options.json) terminal.out << owners(options.control);
    return exit_good;
}

}  // namespace poise::app
