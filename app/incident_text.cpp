#include "app/incident_text.hpp"

#include "app/text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

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

// Of the members of an incident those that a packet cannot have are empty.
json one(const Dropped& dropped) {
    const l4::DropFacts& facts = l4::facts(dropped.packet.reason);
    const Address& client = dropped.packet.client;
    return {{"request_id", ""},
            {"at", time_text(dropped.at)},
            {"reason", facts.name},
            {"status", 0},
            {"text", facts.text},
            {"cure", facts.cure},
            {"section", ""},
            {"side", facts.side},
            {"phase", "packet"},
            {"service", dropped.service},
            {"server", dropped.server},
            {"client", client == Address{} ? "" : to_string(client)},
            {"attempts", 0},
            {"retry_safe", true},
            {"repeat", word(proxy::Repeat::nothing_sent)},
            {"detail", l4::to_text(dropped.packet)},
            {"packets", dropped.packets_total}};
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

std::string packets_text(const std::string& packets) {
    return packets + (packets == "1" ? " packet" : " packets");
}

std::string explained_packet(const json& incident) {
    std::string out = fmt::format("{} dropped: {}\n", packets_text(text_at(incident, "packets")),
                                  text_at(incident, "text"));
    add_row(out, "reason", text_at(incident, "reason"));
    add_row(out, "what to do", text_at(incident, "cure"));
    add_row(out, "at fault", side_sentence(text_at(incident, "side")));
    add_row(out, "the last", text_at(incident, "detail"));
    add_row(out, "service", text_at(incident, "service"));
    add_row(out, "server", text_at(incident, "server"));
    add_row(out, "client", text_at(incident, "client"));
    add_row(out, "at", text_at(incident, "at"));
    return out;
}

std::string explained(const json& incident) {
    if (incident.contains("packets")) return explained_packet(incident);
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
    const std::string id = incident.contains("packets") ? fmt::format("{:<26}", "packet")
                                                        : text_at(incident, "request_id");
    return fmt::format("{}  {}  {:<22} {}{}{}  {}\n", text_at(incident, "at"), id,
                       text_at(incident, "reason"), text_at(incident, "service"),
                       server.empty() ? "" : "/", server, text_at(incident, "detail"));
}

// Each reason once.
std::string cures(const json& array) {
    std::string out;
    std::set<std::string> told;
    for (const json& incident : array) {
        if (!incident.is_object()) continue;
        const std::string reason = text_at(incident, "reason");
        if (!told.insert(reason).second) continue;
        const std::string packets = text_at(incident, "packets");
        out += fmt::format("{}{}: {} {}\n", reason,
                           packets.empty() ? "" : fmt::format(" ({})", packets_text(packets)),
                           text_at(incident, "text"), text_at(incident, "cure"));
    }
    return out;
}

}  // namespace

std::string incidents_to_json(const std::vector<proxy::Incident>& incidents,
                              const std::vector<Dropped>& drops, std::size_t count) {
    json array = json::array();
    auto incident = incidents.begin();
    auto drop = drops.begin();
    while (array.size() < count) {
        const bool is_drop =
            drop != drops.end() && (incident == incidents.end() || drop->at > incident->at);
        if (!is_drop && incident == incidents.end()) break;
        array.push_back(is_drop ? one(*drop++) : one(*incident++));
    }
    return array.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string incidents_text(std::string_view text, std::string_view service) {
    const json array = json::parse(text, nullptr, false);
    if (!array.is_array()) return {};
    if (array.empty()) {
        return fmt::format("{}{}no request was refused or has failed, no packet was dropped\n",
                           service, service.empty() ? "" : ": ");
    }
    if (array.size() == 1) return explained(array.front());
    std::string out;
    for (const json& incident : array)
        if (incident.is_object()) out += listed(incident);
    if (!service.empty()) return out + '\n' + cures(array);
    return out +
           "poise why REQUEST-ID explains one of them, poise why SERVICE those of a service\n";
}

}  // namespace poise::app
