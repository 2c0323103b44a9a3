// `poise why`: explains refusals and failures.
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/incident_text.hpp"

#include <ostream>

namespace poise::app {

int run_why(const WhyOptions& options, Terminal& terminal) {
    const auto answer =
        ask(options.control, {.verb = ControlVerb::why, .request_id = options.request_id});
    if (!answer) return terminal.fail(answer.error());
    terminal.out << (options.json ? *answer + '\n' : incidents_text(*answer));
    return exit_good;
}

}  // namespace poise::app
