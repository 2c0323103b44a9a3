// Makes few messages of many alerts: what comes together is told together, and not too often.
#pragma once

#include "admin/alert.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace poise::admin {

/// Knows no clock and no thread: the caller says what time it is.
class AlertGroup {
public:
    using Time = std::chrono::steady_clock::time_point;
    /// A message holds no more; others are counted.
    static constexpr std::size_t alerts_max = 100;
    static constexpr std::chrono::hours rate_period{1};

    AlertGroup(std::chrono::milliseconds window, std::uint32_t messages_per_hour)
        : window_(window), messages_per_hour_(messages_per_hour) {}

    void add(Alert alert, Time now);
    /// The alerts whose time has come: `window` after the first of them, and while there were
    /// fewer messages than allowed in the hour before. Empty: nothing is due.
    std::vector<Alert> take_due(Time now);
    /// Of what was taken last: alerts that had no room.
    std::size_t left_out() const { return left_out_; }

    std::size_t waiting() const { return alerts_.size(); }

private:
    const std::chrono::milliseconds window_;
    const std::uint32_t messages_per_hour_;
    std::vector<Alert> alerts_;
    std::size_t more_ = 0;  // than fit
    std::size_t left_out_ = 0;
    std::optional<Time> first_;  // when the first of alerts_ came
    std::deque<Time> sent_;      // in the last hour
};

}  // namespace poise::admin
