#include "app/incident_text.hpp"

#include "app/text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>

namespace poise::app {

using nlohmann::json;

namespace {

json one(const proxy::Incident& incident) {
    const proxy::ReasonFacts& facts = proxy::facts(incident.reason);
    json object{{"request_id", incident.request_id},
                {"at", time_text(incident.at)},
                {"reason", facts.id},
                {"status", facts.status},
                {"text", facts.text},
                {"cure", facts.cure},
                {"section", facts.section},
                {"side", word(incident.side)},
                {"phase", word(incident.phase)},
                {"service", incident.service},
                {"server", incident.server},
                {"client", incident.client == Address{} ? "" : to_string(incident.client)},
                {"attempts", incident.attempts},
                {"retry_safe", incident.repeat != proxy::Repeat::risky},
                {"repeat", word(incident.repeat)},
                {"detail", incident.detail}};
    if (incident.offset) object["offset"] = *incident.offset;
    return object;
}

std::string text_at(const json& incident, const char* key) {
    const auto found = incident.find(key);
    if (found == incident.end()) return {};
    return printable(found->is_string() ? found->get<std::string>() : found->dump());
}

void add_row(std::string& out, std::string_view title, const std::string& value) {
    if (!value.empty()) fmt::format_to(std::back_inserter(out), "  {:<10} {}\n", title, value);
}

std::string side_sentence(const std::string& side) {
    if (side == "client") return "the client";
    return side == "server" ? "the real server" : "Poise itself";
}

std::string repeat_sentence(const std::string& repeat) {
    if (repeat == "nothing_sent") return "safe: nothing of it has reached a server";
    if (repeat == "idempotent") {
        return "safe: it has reached a server, but its method is idempotent (RFC 9110 section "
               "9.2.2)";
    }
    return "not safe: a server may have acted on it";
}

std::string explained(const json& incident) {
    const std::string status = text_at(incident, "status");
    std::string out = fmt::format("request {} failed: {}\n", text_at(incident, "request_id"),
                                  text_at(incident, "text"));
    add_row(out, "reason", text_at(incident, "reason"));
    add_row(out, "answer", status == "0" ? "none could be given" : status);
    add_row(out, "what to do", text_at(incident, "cure"));
    add_row(out, "rule", text_at(incident, "section"));
    add_row(out, "at fault", side_sentence(text_at(incident, "side")));
    add_row(out, "phase", text_at(incident, "phase"));
    add_row(out, "offset", text_at(incident, "offset"));
    add_row(out, "detail", text_at(incident, "detail"));
    add_row(out, "service", text_at(incident, "service"));
    add_row(out, "server", text_at(incident, "server"));
    add_row(out, "attempts", text_at(incident, "attempts"));
    add_row(out, "repeat", repeat_sentence(text_at(incident, "repeat")));
    add_row(out, "client", text_at(incident, "client"));
    add_row(out, "at", text_at(incident, "at"));
    return out;
}

std::string listed(const json& incident) {
    const std::string server = text_at(incident, "server");
    return fmt::format("{}  {}  {:<22} {}{}{}  {}\n", text_at(incident, "at"),
                       text_at(incident, "request_id"), text_at(incident, "reason"),
                       text_at(incident, "service"), server.empty() ? "" : "/", server,
                       text_at(incident, "detail"));
}

}  // namespace

std::string incidents_to_json(const std::vector<proxy::Incident>& incidents) {
    json array = json::array();
    for (const proxy::Incident& incident : incidents)
        array.push_back(one(incident));
    return array.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string incidents_text(std::string_view text) {
    const json array = json::parse(text, nullptr, false);
    if (!array.is_array()) return {};
    if (array.empty()) return "no request was refused or has failed\n";
    if (array.size() == 1) return explained(array.front());
    std::string out;
    for (const json& incident : array)
        if (incident.is_object()) out += listed(incident);
    return out + "poise why REQUEST-ID explains one of them\n";
}

}  // namespace poise::app
