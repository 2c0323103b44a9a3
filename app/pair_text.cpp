#include "app/pair_text.hpp"

#include "app/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::app {

namespace {

std::string_view reason_text(ha::Reason reason) {
    switch (reason) {
        case ha::Reason::none:
            return "the other node is active";
        case ha::Reason::start_alone:
            return "no other node was heard at the start";
        case ha::Reason::preferred:
            return "it comes first of two nodes that are well";
        case ha::Reason::peer_unfit:
            return "the other node cannot serve";
        case ha::Reason::peer_silent:
            return "the other node is silent";
        case ha::Reason::peer_left:
            return "the other node said that it goes";
        case ha::Reason::asked_to_leave:
            return "the other node asked to be relieved";
        case ha::Reason::ordered:
            return "it was ordered";
        case ha::Reason::failback:
            return "the master is back (failback: auto)";
        case ha::Reason::better_claim:
            return "the other node was active with the better claim";
        case ha::Reason::handed_over:
            return "a planned switch-over";
        case ha::Reason::unfit:
            return "it cannot hold the floating addresses: a link is down or the kernel refuses";
        case ha::Reason::froze:
            return "this node did not run for a while, and its guardian took the addresses away";
        case ha::Reason::stopping:
            return "this node stops";
    }
    return "";
}

std::string_view hold_text(ha::Hold hold) {
    switch (hold) {
        case ha::Hold::none:
            return "";
        case ha::Hold::listening:
            return "it still listens for the other node";
        case ha::Hold::unfit:
            return "it cannot hold the floating addresses, or fewer of them than the other node";
        case ha::Hold::unreadable:
            return "somebody sends from the other node's address with another key";
        case ha::Hold::alone:
            return "neither the other node nor a witness answers: this node may be cut off";
        case ha::Hold::deferring:
            return "the other node comes first";
    }
    return "";
}

std::string line(const std::string& text, const StatusStyle& style) {
    const bool cut = style.columns != 0 && text.size() > style.columns;
    return (cut ? text.substr(0, style.columns) : text) + "\n";
}

std::string peer_line(const ha::PairStatus& pair) {
    if (!pair.peer_alive)
        return pair.peer.empty() ? "  the other node has not been heard"
                                 : fmt::format("  {} is silent", pair.peer);
    return fmt::format("  {}: {}{}, round trip {:.1f} ms, gets {:.1f} % of our beats{}", pair.peer,
                       word(pair.peer_state), pair.peer_fit ? "" : " and cannot serve",
                       pair.round_trip_ms, pair.peer_received_permille / 10.0,
                       pair.config_equal ? ", same settings" : ", OTHER SETTINGS");
}

std::string_view verdict_text(const ha::ReplicationStatus& status) {
    if (!status.settings_known) return "settings not compared yet";
    switch (status.settings) {
        case ha::Verdict::equal:
            return "settings equal";
        case ha::Verdict::take_theirs:
            return "takes the other node's settings";
        case ha::Verdict::give_ours:
            return "gives its settings";
        case ha::Verdict::diverged:
            return "SETTINGS CHANGED ON BOTH NODES";
    }
    return "";
}

std::string replication_line(const ha::ReplicationStatus& status) {
    if (status.state == ha::StreamState::waiting)
        return fmt::format("  replication: waits for the other node, settings version {}",
                           status.settings_version);
    std::string text = fmt::format("  replication: {}, {}, {} (version {}), {} persistence entries",
                                   word(status.state), status.gives ? "gives" : "takes",
                                   verdict_text(status), status.settings_version, status.entries);
    if (status.lag_ms >= 0) text += fmt::format(", lag {:.1f} s", status.lag_ms / 1000);
    return text;
}

std::string witnesses_line(const std::vector<ha::WitnessStatus>& witnesses) {
    std::string all;
    for (const ha::WitnessStatus& each : witnesses)
        all += fmt::format("{}{} {}", all.empty() ? "" : ", ", each.address,
                           each.answers ? "answers" : "is SILENT");
    return "  witnesses: " + all;
}

std::string age_of(const ha::OwnerChange& change, std::chrono::system_clock::time_point now) {
    const std::chrono::system_clock::time_point at{std::chrono::milliseconds(change.at_ms)};
    return age_text(std::chrono::duration_cast<std::chrono::seconds>(
        std::max(now - at, std::chrono::system_clock::duration::zero())));
}

}  // namespace

std::string changes_text(const ha::PairStatus& pair, std::chrono::system_clock::time_point now) {
    std::string text = fmt::format("changes of owner, as {} saw them:\n", pair.node);
    for (const ha::OwnerChange& change : pair.changes)
        text += fmt::format("  {} ago: {}\n", age_of(change, now), change_text(change));
    return pair.changes.empty() ? std::string() : text;
}

std::string change_text(const ha::OwnerChange& change) {
    std::string text =
        fmt::format("{}: {} (epoch {}", word(change.to), reason_text(change.reason), change.epoch);
    if (change.blackout_ms >= 0)
        text += fmt::format(", {:.1f} ms after its last beat", change.blackout_ms);
    return text + ")";
}

std::string pair_text(const ha::PairStatus& pair, const StatusStyle& style) {
    std::string addresses;
    for (const std::string& address : pair.addresses)
        addresses += (addresses.empty() ? "" : ", ") + address;
    std::string text = line(fmt::format("pair: {} is {}{}, epoch {}; floating: {}", pair.node,
                                        word(pair.state), pair.master ? " (master)" : " (slave)",
                                        pair.epoch, addresses.empty() ? "none" : addresses),
                            style);
    if (!pair.paths.empty()) text += line(peer_line(pair), style);
    for (const ha::PathStatus& path : pair.paths) {
        text +=
            line(fmt::format("  path {} -> {}: {}, {:.1f} % lost, gone after {:.0f} ms", path.local,
                             path.peer, path.up ? "up" : "DOWN", path.loss * 100, path.limit_ms),
                 style);
    }
    if (!pair.witnesses.empty()) text += line(witnesses_line(pair.witnesses), style);
    if (pair.hold != ha::Hold::none && pair.state != ha::State::active)
        text += line(fmt::format("  does not take over: {}", hold_text(pair.hold)), style);
    if (pair.replication.state != ha::StreamState::off)
        text += line(replication_line(pair.replication), style);
    if (!pair.replication.problem.empty()) text += line("  " + pair.replication.problem, style);
    if (pair.addresses_differ)
        text += line("  the nodes have different floating addresses: give both the same poise.yaml",
                     style);
    for (const std::string& problem : pair.problems)
        text += line("  " + problem, style);
    if (!pair.unconfirmed.empty()) {
        std::string all;
        for (const std::string& each : pair.unconfirmed)
            all += (all.empty() ? "" : ", ") + each;
        text += line("  not yet confirmed by: " + all, style);
    }
    if (!pair.changes.empty())
        text += line(fmt::format("  {} ago: {}", age_of(pair.changes.front(), style.now),
                                 change_text(pair.changes.front())),
                     style);
    return text;
}

}  // namespace poise::app
