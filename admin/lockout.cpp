#include "admin/lockout.hpp"

#include <algorithm>

namespace poise::admin {

using std::chrono::seconds;

seconds Lockout::delay(const Entry& entry) const {
    if (entry.failures <= free_) return seconds{0};
    const unsigned doublings = std::min(entry.failures - free_ - 1, 20U);
    return std::min(delay_max, seconds{1 << doublings});
}

seconds Lockout::wait(const std::string& key, Time now) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return seconds{0};
    const auto until = found->second.last + delay(found->second);
    return until <= now ? seconds{0} : std::chrono::ceil<seconds>(until - now);
}

void Lockout::failed(const std::string& key, Time now) {
    if (!entries_.contains(key)) make_room(now);
    Entry& entry = entries_[key];
    if (now - entry.last > forgotten_after) entry.failures = 0;
    ++entry.failures;
    entry.last = now;
}

void Lockout::make_room(Time now) {
    if (entries_.size() < keys_max) return;
    std::erase_if(entries_,
                  [&](const auto& one) { return now - one.second.last > forgotten_after; });
    if (entries_.size() < keys_max) return;
    entries_.erase(
        std::ranges::min_element(entries_, {}, [](const auto& one) { return one.second.last; }));
}

}  // namespace poise::admin
