#include "l4/port_table.hpp"

#include <utility>

namespace poise::l4 {

PortTable::PortTable(std::vector<PortRange> ranges) {
    std::ranges::sort(ranges, {}, [](const PortRange& range) {
        return std::tuple(range.ip, range.protocol, range.first, range.value);
    });
    for (PortRange& range : ranges) {
        if (!ranges_.empty()) {
            PortRange& before = ranges_.back();
            if (before.ip == range.ip && before.protocol == range.protocol &&
                range.first <= before.last) {
                before.last = std::max(before.last, range.last);
                continue;
            }
        }
        ranges_.push_back(range);
    }
}

}  // namespace poise::l4
