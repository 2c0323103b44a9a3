#include "app/control_answer.hpp"

#include "app/control_protocol.hpp"
#include "app/runtime.hpp"
#include "app/status.hpp"
#include "app/text.hpp"
#include "app/why.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace poise::app {

using nlohmann::json;

namespace {

constexpr std::size_t incidents_shown = 10;

ControlAnswer good(std::string result) {
    return {.ok = true, .result = std::move(result)};
}

ControlAnswer bad(std::string error) {
    return {.ok = false, .error = std::move(error)};
}

std::string to_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// "unknown server 'web9'; did you mean 'web1'?"
ControlAnswer unknown(std::string_view what, const std::string& name,
                      const std::vector<std::string_view>& known) {
    if (known.empty()) return bad(fmt::format("unknown {} '{}'", what, printable(name)));
    const auto found = config::unknown_word({}, what, name, known);
    return bad(found.hint.empty() ? found.message : found.message + "; " + found.hint);
}

ControlAnswer not_found(const Runtime& runtime, const ControlRequest& request) {
    const proxy::Service* service = runtime.generation().find(request.service);
    std::vector<std::string_view> names;
    if (service == nullptr) {
        for (const auto& known : runtime.generation().services)
            names.push_back(known->configured.name);
        return unknown("service", request.service, names);
    }
    for (const auto& known : service->pool->servers())
        names.push_back(known->name());
    return unknown(fmt::format("server of {}", request.service), request.server, names);
}

ControlAnswer answer_status(const Runtime& runtime, const ControlRequest& request) {
    Status status = runtime.status();
    if (!request.service.empty()) {
        std::erase_if(status.services,
                      [&](const ServiceStatus& s) { return s.name != request.service; });
        if (status.services.empty()) return not_found(runtime, request);
        status.certificates.clear();
    }
    return good(status_to_json(status));
}

ControlAnswer answer_server(Runtime& runtime, const ControlRequest& request) {
    const bool is_weight = request.verb == ControlVerb::weight;
    auto state = pool::AdminState::online;
    if (request.verb == ControlVerb::drain) state = pool::AdminState::drain;
    if (request.verb == ControlVerb::halt) state = pool::AdminState::halt;
    const bool done = is_weight
                          ? runtime.set_weight(request.service, request.server, request.weight)
                          : runtime.set_admin(request.service, request.server, state);
    if (!done) return not_found(runtime, request);
    const proxy::Service* service = runtime.generation().find(request.service);
    const ServerStatus now = status_of(*service->pool->find(request.server));
    return good(to_text({{"service", request.service},
                         {"server", request.server},
                         {"state", now.state},
                         {"weight", now.weight},
                         {"connections", now.connections}}));
}

ControlAnswer answer_reload(Runtime& runtime) {
    const ReloadOutcome outcome = runtime.reload();
    if (!outcome.error.empty()) {
        ControlAnswer answer = bad(outcome.error);
        for (const auto& diagnostic : outcome.diagnostics)
            answer.diagnostics.push_back(config::to_string(diagnostic));
        return answer;
    }
    return good(
        to_text({{"generation", outcome.generation}, {"changes", lines_of(outcome.changes)}}));
}

ControlAnswer answer_why(const Runtime& runtime, const ControlRequest& request) {
    auto found = why_json(runtime, request.request_id, incidents_shown);
    if (!found) {
        return bad(fmt::format(
            "nothing is known of request '{}': it was not refused and did not fail here, or it is "
            "so long ago that newer incidents have taken its place; there is no such service "
            "either",
            printable(request.request_id)));
    }
    return good(std::move(*found));
}

ControlAnswer answer_settings(Runtime& runtime) {
    const auto settings = runtime.pair_settings();
    if (!settings) return bad(settings.error());
    return good(to_text({{"settings", settings->known ? json(word(settings->verdict)) : json()},
                         {"version", settings->version},
                         {"problem", settings->problem},
                         {"ours", settings->ours},
                         {"theirs", settings->theirs}}));
}

ControlAnswer answer_take_settings(Runtime& runtime) {
    const std::string error = runtime.take_pair_settings();
    if (!error.empty()) return bad(error);
    return good(to_text({{"ordered", true}}));
}

ControlAnswer answer_owner(Runtime& runtime, const ControlRequest& request) {
    const bool here = request.verb == ControlVerb::takeover;
    std::string error = here ? runtime.takeover(request.force) : runtime.standby();
    if (!error.empty()) return bad(std::move(error));
    return good(to_text(here ? "takeover" : "standby"));
}

ControlAnswer answer(Runtime& runtime, const ControlRequest& request) {
    switch (request.verb) {
        case ControlVerb::ping:
            return good(to_text("pong"));
        case ControlVerb::status:
            return answer_status(runtime, request);
        case ControlVerb::reload:
            return answer_reload(runtime);
        case ControlVerb::why:
            return answer_why(runtime, request);
        case ControlVerb::takeover:
        case ControlVerb::standby:
            return answer_owner(runtime, request);
        case ControlVerb::settings:
            return answer_settings(runtime);
        case ControlVerb::take_settings:
            return answer_take_settings(runtime);
        case ControlVerb::drain:
        case ControlVerb::halt:
        case ControlVerb::online:
        case ControlVerb::weight:
            break;
    }
    return answer_server(runtime, request);
}

}  // namespace

std::string control_answer(Runtime& runtime, std::string_view line) {
    const auto request = parse_control_request(line);
    return to_json(request ? answer(runtime, *request) : bad(request.error()));
}

}  // namespace poise::app
