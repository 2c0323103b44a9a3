// What `poise top` shows: services by what they do right now, made of two statuses.
#pragma once

#include "app/status.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace poise::app {

enum class TopOrder : std::uint8_t { rate, failed, p99, name };

struct TopStyle {
    TopOrder order = TopOrder::rate;
    bool colour = false;
    bool servers = true;      // a line for each below its service
    std::size_t columns = 0;  // no line is longer; 0: no limit
};

/// `before` is `now` as it was `elapsed` ago: counts become rates. What was not there before, or
/// has counted anew since, has no rate yet. Each line ends in a line feed.
std::string top_text(const Status& before, const Status& now, std::chrono::duration<double> elapsed,
                     const TopStyle& style);

}  // namespace poise::app
