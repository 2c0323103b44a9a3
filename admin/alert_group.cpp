#include "admin/alert_group.hpp"

#include <cassert>
#include <utility>

namespace poise::admin {

void AlertGroup::add(Alert alert, Time now) {
    if (!first_) first_ = now;
    if (alerts_.size() >= alerts_max) {
        ++more_;
        return;
    }
    alerts_.push_back(std::move(alert));
}

std::vector<Alert> AlertGroup::take_due(Time now) {
    if (!first_ || now - *first_ < window_) return {};
    while (!sent_.empty() && now - sent_.front() >= rate_period)
        sent_.pop_front();
    if (sent_.size() >= messages_per_hour_) return {};
    assert(!alerts_.empty());
    sent_.push_back(now);
    first_.reset();
    left_out_ = std::exchange(more_, 0);
    return std::exchange(alerts_, {});
}

}  // namespace poise::admin
