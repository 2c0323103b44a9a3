// Replication between the nodes of a pair, as values: what is replicated, what is told of it.
#pragma once

#include "ha/settings.hpp"
#include "persistence/table.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poise::ha {

/// Layer 4's flows, which travel as bytes that only layer 4 reads. Any thread.
struct FlowSource {
    /// Somebody who knows nothing listens: all flows again from the start.
    std::function<void()> begin;
    /// Nobody listens any more.
    std::function<void()> end;
    /// What is new, at most about `bytes_max`; empty: nothing is.
    std::function<std::vector<std::uint8_t>(std::size_t bytes_max)> take;
    enum class Adopted : std::uint8_t { taken, later, broken };
    /// `later`: not now, the same bytes again.
    std::function<Adopted(std::span<const std::uint8_t>)> adopt;
};

/// What this node has to give, or where what the other one gives goes.
struct ReplicaContent {
    Settings settings;
    Standing standing;
    std::vector<std::uint8_t> secrets;                                                // empty: none
    std::vector<std::pair<std::string, std::shared_ptr<persistence::Table>>> tables;  // by service
    FlowSource flows;  // its functions may be empty
};

/// What the stream tells the program. Called on the stream's thread; must not wait.
struct ReplicaEvents {
    /// Both nodes have the same settings, of this hash: to be noted as Standing::common.
    std::function<void(const Hash&)> on_equal;
    /// The other node's settings: with `take` in place of our own, else to be kept beside them.
    std::function<void(const Settings&, const Standing&, bool take)> on_settings;
    std::function<void(const std::vector<std::uint8_t>&)> on_secrets;
    /// The stream has ended, and what was asked of it with it.
    std::function<void()> on_end;
    std::function<void(bool bad, const std::string& line)> on_line;
};

}  // namespace poise::ha
