// The part of pair_text.hpp that speaks JSON.
#include "app/pair_text.hpp"
#include "app/text.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace poise::app {

using nlohmann::json;

namespace {

constexpr int states = 4, reasons = 14, holds = 6, stream_states = 4, verdicts = 4;

template <typename Enum>
Enum from_word(const json& text, int count) {
    const auto given = text.get<std::string>();
    for (int i = 0; i < count; ++i)
        if (word(static_cast<Enum>(i)) == given) return static_cast<Enum>(i);
    throw std::invalid_argument("'" + given + "' is no word of the pair");
}

json to_object(const ha::PathStatus& path) {
    return {{"local", path.local},
            {"peer", path.peer},
            {"up", path.up},
            {"loss", path.loss},
            {"limit_ms", path.limit_ms}};
}

json to_object(const ha::OwnerChange& change) {
    return {{"at_ms", change.at_ms},
            {"from", word(change.from)},
            {"to", word(change.to)},
            {"reason", word(change.reason)},
            {"text", change_text(change)},
            {"epoch", change.epoch},
            {"blackout_ms", change.blackout_ms < 0 ? json() : json(change.blackout_ms)}};
}

ha::OwnerChange change_from(const json& object) {
    ha::OwnerChange change;
    object.at("at_ms").get_to(change.at_ms);
    change.from = from_word<ha::State>(object.at("from"), states);
    change.to = from_word<ha::State>(object.at("to"), states);
    change.reason = from_word<ha::Reason>(object.at("reason"), reasons);
    object.at("epoch").get_to(change.epoch);
    const json& blackout = object.at("blackout_ms");
    if (!blackout.is_null()) blackout.get_to(change.blackout_ms);
    return change;
}

json to_object(const ha::ReplicationStatus& status) {
    return {{"state", word(status.state)},
            {"gives", status.gives},
            {"settings", status.settings_known ? json(word(status.settings)) : json()},
            {"settings_version", status.settings_version},
            {"problem", status.problem},
            {"entries", status.entries},
            {"entries_unknown", status.entries_unknown},
            {"flow_bytes", status.flow_bytes},
            {"lag_ms", status.lag_ms < 0 ? json() : json(status.lag_ms)}};
}

ha::ReplicationStatus replication_from(const json& object) {
    ha::ReplicationStatus status;
    status.state = from_word<ha::StreamState>(object.at("state"), stream_states);
    object.at("gives").get_to(status.gives);
    const json& settings = object.at("settings");
    status.settings_known = !settings.is_null();
    if (status.settings_known) status.settings = from_word<ha::Verdict>(settings, verdicts);
    object.at("settings_version").get_to(status.settings_version);
    object.at("problem").get_to(status.problem);
    object.at("entries").get_to(status.entries);
    object.at("entries_unknown").get_to(status.entries_unknown);
    object.at("flow_bytes").get_to(status.flow_bytes);
    const json& lag = object.at("lag_ms");
    status.lag_ms = lag.is_null() ? -1 : lag.get<double>();
    return status;
}

ha::PathStatus path_from(const json& object) {
    ha::PathStatus path;
    object.at("local").get_to(path.local);
    object.at("peer").get_to(path.peer);
    object.at("up").get_to(path.up);
    object.at("loss").get_to(path.loss);
    object.at("limit_ms").get_to(path.limit_ms);
    return path;
}

}  // namespace

std::string pair_to_json(const ha::PairStatus& pair) {
    json paths = json::array(), witnesses = json::array(), changes = json::array(),
         refused = json::object();
    for (const auto& path : pair.paths)
        paths.push_back(to_object(path));
    for (const auto& each : pair.witnesses)
        witnesses.push_back({{"address", each.address}, {"answers", each.answers}});
    for (const auto& change : pair.changes)
        changes.push_back(to_object(change));
    for (std::size_t i = 0; i < ha::refused_kinds; ++i)
        refused[std::string(word(static_cast<ha::Refused>(i)))] = pair.refused[i];
    const json object{{"node", pair.node},
                      {"peer", pair.peer},
                      {"state", word(pair.state)},
                      {"peer_state", word(pair.peer_state)},
                      {"master", pair.master},
                      {"peer_alive", pair.peer_alive},
                      {"peer_fit", pair.peer_fit},
                      {"verified", pair.verified},
                      {"epoch", pair.epoch},
                      {"reason", word(pair.reason)},
                      {"hold", word(pair.hold)},
                      {"since_ms", pair.since_ms},
                      {"round_trip_ms", pair.round_trip_ms},
                      {"own_lateness_ms", pair.own_lateness_ms},
                      {"peer_lateness_ms", pair.peer_lateness_ms},
                      {"peer_received_permille", pair.peer_received_permille},
                      {"config_equal", pair.config_equal},
                      {"addresses_differ", pair.addresses_differ},
                      {"key_problem", pair.key_problem},
                      {"peer_version", pair.peer_version},
                      {"addresses", pair.addresses},
                      {"problems", pair.problems},
                      {"unconfirmed", pair.unconfirmed},
                      {"paths", std::move(paths)},
                      {"witnesses", std::move(witnesses)},
                      {"refused", std::move(refused)},
                      {"strangers", pair.strangers},
                      {"replication", to_object(pair.replication)},
                      {"changes", std::move(changes)}};
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

ha::PairStatus pair_from_json(std::string_view text) {
    const json object = json::parse(text);
    ha::PairStatus pair;
    object.at("node").get_to(pair.node);
    object.at("peer").get_to(pair.peer);
    pair.state = from_word<ha::State>(object.at("state"), states);
    pair.peer_state = from_word<ha::State>(object.at("peer_state"), states);
    object.at("master").get_to(pair.master);
    object.at("peer_alive").get_to(pair.peer_alive);
    object.at("peer_fit").get_to(pair.peer_fit);
    object.at("verified").get_to(pair.verified);
    object.at("epoch").get_to(pair.epoch);
    pair.reason = from_word<ha::Reason>(object.at("reason"), reasons);
    pair.hold = from_word<ha::Hold>(object.at("hold"), holds);
    object.at("since_ms").get_to(pair.since_ms);
    object.at("round_trip_ms").get_to(pair.round_trip_ms);
    object.at("own_lateness_ms").get_to(pair.own_lateness_ms);
    object.at("peer_lateness_ms").get_to(pair.peer_lateness_ms);
    object.at("peer_received_permille").get_to(pair.peer_received_permille);
    object.at("config_equal").get_to(pair.config_equal);
    object.at("addresses_differ").get_to(pair.addresses_differ);
    object.at("key_problem").get_to(pair.key_problem);
    object.at("peer_version").get_to(pair.peer_version);
    object.at("addresses").get_to(pair.addresses);
    object.at("problems").get_to(pair.problems);
    object.at("unconfirmed").get_to(pair.unconfirmed);
    for (const json& path : object.at("paths"))
        pair.paths.push_back(path_from(path));
    for (const json& each : object.at("witnesses"))
        pair.witnesses.push_back({each.at("address"), each.at("answers")});
    for (std::size_t i = 0; i < ha::refused_kinds; ++i)
        object.at("refused")
            .at(std::string(word(static_cast<ha::Refused>(i))))
            .get_to(pair.refused[i]);
    object.at("strangers").get_to(pair.strangers);
    pair.replication = replication_from(object.at("replication"));
    for (const json& change : object.at("changes"))
        pair.changes.push_back(change_from(change));
    return pair;
}

}  // namespace poise::app
