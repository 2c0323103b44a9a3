// Takes each status apart for the history, and tells what changed since the one before.
#pragma once

#include "admin/history.hpp"
#include "admin/status_document.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace poise::admin {

/// Belongs to the administration's thread.
class Recorder {
public:
    /// `history` outlives it.
    explicit Recorder(History& history) : history_(history) {}

    /// Returns sentences for the events: a new generation, another owner of the floating addresses.
    std::vector<std::string> take(const StatusDocument& status, std::int64_t now_s);

private:
    History& history_;
    std::int64_t sampled_ = 0;
    std::uint64_t generation_ = 0;
    std::string pair_state_;
};

}  // namespace poise::admin
