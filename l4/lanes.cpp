#include "l4/lanes.hpp"

#include <sys/random.h>
#include <utility>

namespace poise::l4 {

namespace {

HashKey random_key() {
    HashKey key;
    if (::getrandom(&key, sizeof key, 0) != sizeof key) key = {};
    return key;
}

}  // namespace

std::expected<std::unique_ptr<Lanes>, std::string> Lanes::open(unsigned threads,
                                                               std::size_t flows_max,
                                                               const Shared& shared) {
    std::unique_ptr<Lanes> made(new Lanes(shared));
    std::vector<std::function<void()>> wakers;
    for (unsigned i = 0; i < threads; ++i) {
        auto lane = Lane::open({i, threads}, flows_max / threads, random_key(), shared.sync,
                               shared.fast_path);
        if (!lane) return std::unexpected(lane.error());
        wakers.push_back((*lane)->waker());
        made->lanes_.push_back(std::move(*lane));
    }
    if (threads > 1)
        for (SharedTap& tap : made->taps_)
            tap.program = shared.fan_out;
    shared.sync.attach(std::move(wakers));
    for (const auto& lane : made->lanes_)
        lane->start();
    return made;
}

Lanes::~Lanes() {
    shared_.sync.detach();
}

std::expected<void, std::string> Lanes::open_tap(Family family) {
    SharedTap& shared = taps_[static_cast<std::size_t>(family)];
    for (const auto& lane : lanes_) {
        if (lane->has_tap(family)) continue;
        if (auto done = lane->open_tap(family, shared); !done) return done;
    }
    return {};
}

void Lanes::post(const std::function<void(Forwarder&)>& work) {
    for (const auto& lane : lanes_)
        lane->post(work);
}

void Lanes::servers_lost() {
    for (const auto& lane : lanes_)
        lane->servers_lost();
}

bool Lanes::watch(const Services& services, std::span<const Link> links) {
    bool all = true;
    for (const auto& lane : lanes_)
        if (!lane->watch(services, links)) all = false;
    return all;
}

std::uint64_t Lanes::flows() const {
    std::uint64_t sum = 0;
    for (const auto& lane : lanes_)
        sum += lane->flows();
    return sum;
}

std::uint64_t Lanes::fast_flows() const {
    std::uint64_t sum = 0;
    for (const auto& lane : lanes_)
        sum += lane->fast_flows();
    return sum;
}

std::uint64_t Lanes::drops(Drop reason) const {
    std::uint64_t sum = 0;
    for (const auto& lane : lanes_)
        sum += lane->drops(reason);
    return sum;
}

}  // namespace poise::l4
