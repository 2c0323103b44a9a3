#include "admin/alert_watch.hpp"

#include "admin/journal.hpp"
#include "admin/json_member.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

namespace poise::admin {

using config::AlertKind;
using nlohmann::json;

namespace {

using Problems = std::map<std::string, Alert>;

constexpr std::int64_t day_s = 86'400;
constexpr unsigned statuses_in_a_row = 2;

void add(Problems& problems, Alert alert) {
    std::string key = fmt::format("{} {}", config::word(alert.kind), alert.subject);
    problems.emplace(std::move(key), std::move(alert));
}

std::string text_at(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_true(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

// What an operator can do about it, by what the check of the server has said.
std::string cure_of(std::string_view reason, const std::string& address) {
    const auto says = [&](std::string_view words) { return reason.contains(words); };
    if (says("name not resolved")) return "look whether the DNS knows the server's name";
    if (says("connect refused"))
        return fmt::format("nothing listens on {}: start the server's program there", address);
    if (says("no route"))
        return fmt::format("no network leads to {}: look at routes and interfaces", address);
    if (says("certificate"))
        return fmt::format("renew the certificate of {}, or name its authority in server_tls.ca",
                           address);
    if (says("timed out") || says("gave up"))
        return fmt::format(
            "{} does not answer: is the machine on, and does a firewall stand "
            "between?",
            address);
    if (says("status "))
        return fmt::format("{} answers, but not as health.expect wants: look at its own log",
                           address);
    if (says("script")) return "run the script of health by hand and see what it says";
    return fmt::format("look at the server's own log, on {}", address);
}

void add_service(Problems& problems, const json& service) {
    const std::string name = text_at(service, "name");
    bool serves = false;
    std::size_t servers = 0;
    for (const json& server : member(service, "servers")) {
        const std::string state = text_at(server, "state");
        ++servers;
        serves = serves || state == "up" || state == "backup" || state == "fallback";
        if (state != "down" && state != "unresolved") continue;
        const std::string reason = text_at(server, "reason");
        add(problems, {.kind = AlertKind::server,
                       .subject = name + "/" + text_at(server, "name"),
                       .text = fmt::format("{}{}{}", state, reason.empty() ? "" : ": ", reason),
                       .cure = cure_of(reason, text_at(server, "address"))});
    }
    if (servers > 0 && !serves) {
        add(problems, {.kind = AlertKind::service,
                       .subject = name,
                       .text = "has no server that can take clients",
                       .cure = fmt::format(
                           "until one of its {} servers is back, {}: bring one back, or "
                           "add a fallback",
                           servers,
                           text_at(service, "protocol") == "http" ? "requests are answered 503"
                                                                  : "clients are turned away")});
    }
}

void add_pair(Problems& problems, const json& pair) {
    const json& paths = member(pair, "paths");
    const std::string peer = text_at(pair, "peer");
    const bool alive = is_true(pair, "peer_alive");
    if (!paths.empty() && !alive) {
        add(problems, {.kind = AlertKind::pair,
                       .subject = peer.empty() ? "the other node" : peer,
                       .text = "is not heard: nobody would take over from this node",
                       .cure = "look whether it runs, and at the paths in `poise status`"});
    }
    if (alive && text_at(pair, "state") == "active" && text_at(pair, "peer_state") == "active") {
        add(problems, {.kind = AlertKind::pair,
                       .subject = "both nodes",
                       .text = "are active: the pair is split",
                       .cure = "look at the paths between the nodes; `poise standby` on one"});
    }
    Alert settings{.kind = AlertKind::pair, .subject = "the pair"};
    for (const json& sentence : member(pair, "problems")) {
        if (!sentence.is_string()) continue;
        settings.text += (settings.text.empty() ? "" : "; ") + sentence.get<std::string>();
        ++settings.grade;
    }
    if (settings.grade > 0) add(problems, std::move(settings));
    const json& replication = member(pair, "replication");
    if (const std::string sentence = text_at(replication, "problem"); alive && !sentence.empty()) {
        add(problems, {.kind = AlertKind::pair,
                       .subject = "replication",
                       .text = sentence,
                       .cure = "look at `poise status` and `poise settings` on both nodes"});
    }
}

}  // namespace

bool AlertWatch::wants(AlertKind kind) const {
    return std::ranges::find(settings_.events, kind) != settings_.events.end();
}

std::vector<Alert> AlertWatch::compare(const Problems& now, std::span<const AlertKind> kinds,
                                       unsigned seen_least, std::int64_t now_s) {
    std::vector<Alert> told;
    for (auto known = open_.begin(); known != open_.end();) {
        Alert& alert = known->second.alert;
        const bool judged = std::ranges::find(kinds, alert.kind) != kinds.end();
        if (!judged || now.contains(known->first)) {
            ++known;
            continue;
        }
        if (known->second.told) {
            alert.level = Alert::Level::resolved;
            alert.text = fmt::format("is over: {}, since {}", alert.text, time_text(alert.at));
            alert.cure.clear();
            alert.at = now_s;
            told.push_back(std::move(alert));
        }
        known = open_.erase(known);
    }
    for (const auto& [key, problem] : now) {
        if (!wants(problem.kind)) continue;
        if (!open_.contains(key) && open_.size() >= problems_max) continue;
        Open& known = open_.try_emplace(key, Open{.alert = problem}).first->second;
        if (problem.grade > known.alert.grade) known = {.alert = problem};
        if (known.told) continue;
        if (known.seen++ == 0) known.alert.at = now_s;
        if (known.seen < seen_least) continue;
        known.told = true;
        told.push_back(known.alert);
    }
    return told;
}

std::vector<Alert> AlertWatch::take_status(const StatusDocument& document, std::int64_t now_s) {
    const json& status = document.as<json>();
    if (!status.is_object()) return {};
    const json& pair = member(status, "pair");
    const std::string state = pair.is_object() ? text_at(pair, "state") : "";
    Problems problems;
    std::vector<AlertKind> judged{AlertKind::pair};
    if (state != "standby") {
        judged.push_back(AlertKind::server);
        judged.push_back(AlertKind::service);
        for (const json& service : member(status, "services"))
            add_service(problems, service);
    }
    if (pair.is_object()) add_pair(problems, pair);
    std::vector<Alert> told = compare(problems, judged, statuses_in_a_row, now_s);
    if (!pair_state_.empty() && state != pair_state_ && wants(AlertKind::pair)) {
        const json& changes = member(pair, "changes");
        const std::string why = changes.empty() ? "" : text_at(changes.front(), "text");
        told.push_back({.kind = AlertKind::pair,
                        .level = Alert::Level::notice,
                        .subject = text_at(status, "node"),
                        .text = fmt::format("is {} now, it was {}{}{}", state, pair_state_,
                                            why.empty() ? "" : ": ", why),
                        .at = now_s});
    }
    pair_state_ = state;
    return told;
}

std::vector<Alert> AlertWatch::take_certificates(std::span<const CertificateFacts> certificates,
                                                 std::int64_t now_s) {
    Problems problems;
    for (const CertificateFacts& facts : certificates) {
        Alert alert{.kind = AlertKind::certificate, .subject = facts.file};
        const std::int64_t left_s = facts.not_after - now_s;
        if (!facts.error.empty()) {
            alert.text = "cannot be read: " + facts.error;
        } else if (left_s <= 0) {
            alert.text = fmt::format("has expired at {}", time_text(facts.not_after));
            alert.grade = 1;
        } else if (left_s < settings_.certificate_days * day_s) {
            alert.text = fmt::format("expires in {} days, at {}", left_s / day_s,
                                     time_text(facts.not_after));
        } else {
            continue;
        }
        alert.cure = "put a new certificate in its place; it is taken up without a reload";
        add(problems, std::move(alert));
    }
    constexpr std::array kinds{AlertKind::certificate};
    return compare(problems, kinds, 1, now_s);
}

std::vector<Alert> AlertWatch::take_reload(const std::string& error, std::int64_t now_s) {
    Problems problems;
    if (!error.empty()) {
        add(problems, {.kind = AlertKind::config,
                       .subject = "poise.yaml",
                       .text = "was refused: " + error,
                       .cure = "`poise check` tells what is wrong; what was in force before is "
                               "in force"});
    }
    constexpr std::array kinds{AlertKind::config};
    return compare(problems, kinds, 1, now_s);
}

std::vector<Alert> AlertWatch::open() const {
    std::vector<Alert> all;
    for (const auto& [key, known] : open_)
        if (known.told) all.push_back(known.alert);
    std::ranges::sort(all, {},
                      [](const Alert& alert) { return std::tie(alert.at, alert.subject); });
    return all;
}

}  // namespace poise::admin
