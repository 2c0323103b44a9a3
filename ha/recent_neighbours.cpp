#include "ha/recent_neighbours.hpp"

#include <algorithm>

namespace poise::ha {

void RecentNeighbours::heard(const NeighbourPacket& packet, std::span<const Address> addresses,
                             Clock::time_point now) {
    if (packet.sender.is_any() || packet.sender == packet.target) return;
    if (std::ranges::find(addresses, packet.target) == addresses.end()) return;
    if (std::ranges::find(addresses, packet.sender) != addresses.end()) return;
    note({packet.sender, packet.mac}, now);
}

void RecentNeighbours::note(const Neighbour& neighbour, Clock::time_point now) {
    const auto known = std::ranges::find_if(
        entries_, [&](const Entry& each) { return each.neighbour.ip == neighbour.ip; });
    if (known != entries_.end()) {
        *known = {neighbour, now};
    } else if (entries_.size() < neighbours_max) {
        entries_.push_back({neighbour, now});
    } else {
        *std::ranges::min_element(entries_, {}, &Entry::last) = {neighbour, now};
    }
}

void RecentNeighbours::add(const Neighbour& neighbour, Clock::time_point now) {
    const auto known = std::ranges::find_if(
        entries_, [&](const Entry& each) { return each.neighbour.ip == neighbour.ip; });
    if (known == entries_.end()) note(neighbour, now);
}

std::vector<Neighbour> RecentNeighbours::all() const {
    std::vector<Neighbour> list;
    for (const Entry& each : entries_)
        list.push_back(each.neighbour);
    return list;
}

}  // namespace poise::ha
