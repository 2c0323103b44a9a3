#include "app/why.hpp"

#include "app/incident_text.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace poise::app {

namespace {

// One of a service's reasons: a flood of them must not hide all the rest.
void keep_newest_of_each(std::vector<Dropped>& drops) {
    std::set<std::pair<std::string, l4::Drop>> seen;
    std::erase_if(drops, [&](const Dropped& one) {
        return !seen.emplace(one.service, one.packet.reason).second;
    });
}

}  // namespace

std::optional<std::string> why_json(const Runtime& runtime, const std::string& about,
                                    std::size_t count) {
    const proxy::Incidents& incidents = runtime.incidents();
    std::vector<Dropped> drops = runtime.last_drops();
    if (about.empty()) {
        keep_newest_of_each(drops);
        return incidents_to_json(incidents.last(count), drops, count);
    }
    if (runtime.generation().find(about) != nullptr) {
        auto known = incidents.last(proxy::Incidents::capacity_default);
        std::erase_if(known, [&](const proxy::Incident& one) { return one.service != about; });
        if (known.size() > count) known.resize(count);
        std::erase_if(drops, [&](const Dropped& one) { return one.service != about; });
        const std::size_t all = known.size() + drops.size();
        return incidents_to_json(known, drops, all);
    }
    const auto found = incidents.find(about);
    if (!found) return std::nullopt;
    return incidents_to_json({*found}, {}, 1);
}

}  // namespace poise::app
