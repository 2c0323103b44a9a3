#include "ha/announcements.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace poise::ha {

namespace {

using std::chrono::milliseconds;

// When a round sends, from its beginning.
constexpr std::array times{milliseconds{0},    milliseconds{10},    milliseconds{50},
                           milliseconds{200},  milliseconds{1'000}, milliseconds{2'000},
                           milliseconds{5'000}};
constexpr std::chrono::seconds round_interval{30};
constexpr std::chrono::seconds defend_interval{10};  // RFC 5227, DEFEND_INTERVAL

Address without_port(Address address) {
    address.port = 0;
    return address;
}

}  // namespace

void Announcements::set_addresses(std::vector<Address> addresses) {
    addresses_ = std::move(addresses);
    pairs_.clear();
}

void Announcements::set_neighbours(std::span<const Neighbour> neighbours) {
    next_neighbours_.clear();
    for (const Neighbour& each : neighbours.first(std::min(neighbours.size(), neighbours_max)))
        next_neighbours_.push_back({without_port(each.ip), each.mac});
}

void Announcements::begin(Clock::time_point now) {
    if (!active_) conflicts_.clear();
    active_ = true;
    began_ = now;
    announced_ = 0;
    neighbours_ = next_neighbours_;
    pairs_.clear();
    for (std::size_t i = 0; i < addresses_.size(); ++i)
        for (std::size_t j = 0; j < neighbours_.size(); ++j)
            if (addresses_[i].is_v4() == neighbours_[j].ip.is_v4() &&
                addresses_[i].ip != neighbours_[j].ip.ip)
                pairs_.push_back({.address = i, .neighbour = j});
}

void Announcements::end() {
    active_ = false;
    pairs_.clear();
    defences_.clear();
    defence_frames_.clear();
}

std::vector<Frame> Announcements::due(Clock::time_point now) {
    std::vector<Frame> frames;
    if (!active_) return frames;
    if (now - began_ >= round_interval) begin(now);
    frames.swap(defence_frames_);
    announce_due(now, frames);
    ask_due(now, frames);
    return frames;
}

// All addresses at once: a host that does not know one yet must not wait for the questions.
void Announcements::announce_due(Clock::time_point now, std::vector<Frame>& frames) {
    if (announced_ == times.size() || now < began_ + times[announced_]) return;
    for (const Address& address : addresses_) {
        frames.push_back(make_announcement(address, own_, false));
        if (address.is_v4()) frames.push_back(make_announcement(address, own_, true));
    }
    while (announced_ < times.size() && now >= began_ + times[announced_])
        ++announced_;
}

void Announcements::ask_due(Clock::time_point now, std::vector<Frame>& frames) {
    for (Pair& pair : pairs_) {
        if (frames.size() >= frames_a_call_max) return;
        if (pair.answered || pair.asked == times.size()) continue;
        if (now < began_ + times[pair.asked]) continue;
        const Neighbour& neighbour = neighbours_[pair.neighbour];
        // He may have moved as well: what is known of him is tried first, then all are asked.
        const bool known_fails = pair.asked >= times.size() / 2;
        frames.push_back(make_question(addresses_[pair.address], own_, neighbour.ip,
                                       known_fails ? broadcast_mac : neighbour.mac));
        while (pair.asked < times.size() && now >= began_ + times[pair.asked])
            ++pair.asked;
    }
}

std::optional<Announcements::Clock::time_point> Announcements::next() const {
    if (!active_) return std::nullopt;
    if (!defence_frames_.empty()) return began_;
    auto soonest = began_ + round_interval;
    if (announced_ < times.size()) soonest = std::min(soonest, began_ + times[announced_]);
    for (const Pair& pair : pairs_)
        if (!pair.answered && pair.asked < times.size())
            soonest = std::min(soonest, began_ + times[pair.asked]);
    return soonest;
}

bool Announcements::heard(const NeighbourPacket& packet, Clock::time_point now) {
    if (!active_ || packet.mac == own_) return false;
    for (const Address& address : addresses_) {
        const bool claims = packet.sender == address;
        // A question about it from nobody: duplicate address detection (RFC 4862, 5.4.3). An ARP
        // probe of this kind is answered by the kernel, and its sender then desists.
        const bool wants = !address.is_v4() && packet.sender.is_any() &&
                           packet.kind == NeighbourPacket::Kind::question &&
                           packet.target == address;
        if (claims || wants) return note_conflict(address, packet.mac, now);
    }
    if (packet.kind != NeighbourPacket::Kind::answer) return false;
    for (Pair& pair : pairs_)
        if (addresses_[pair.address] == packet.target &&
            neighbours_[pair.neighbour].ip == packet.sender)
            pair.answered = true;
    return false;
}

bool Announcements::note_conflict(const Address& address, const Mac& mac, Clock::time_point now) {
    defend(address, now);
    const auto known = std::ranges::find_if(conflicts_, [&](const Conflict& each) {
        return each.address == address && each.mac == mac;
    });
    if (known != conflicts_.end()) {
        ++known->claims;
        known->last = now;
        return false;
    }
    if (conflicts_.size() == conflicts_max) return false;
    conflicts_.push_back({.address = address, .mac = mac, .claims = 1, .last = now});
    return true;
}

void Announcements::defend(const Address& address, Clock::time_point now) {
    const auto known = std::ranges::find(defences_, address, &Defence::address);
    if (known != defences_.end()) {
        if (now - known->last < defend_interval) return;
        known->last = now;
    } else {
        defences_.push_back({address, now});  // at most one an address
    }
    defence_frames_.push_back(make_announcement(address, own_, false));
}

std::vector<Unconfirmed> Announcements::unconfirmed() const {
    std::vector<Unconfirmed> all;
    for (const Pair& pair : pairs_)
        if (!pair.answered)
            all.push_back({addresses_[pair.address], neighbours_[pair.neighbour].ip});
    return all;
}

}  // namespace poise::ha
