// Fills the table: in turns each server takes the next free place of its own order of places.
#include "pool/hash_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace poise::pool {

namespace {

// Primes, so that each step below the size visits every place.
constexpr std::array<std::uint32_t, 10> sizes{2'039,  4'093,   8'191,   16'381,  32'749,
                                              65'521, 131'071, 262'139, 524'287, 1'048'573};
constexpr std::size_t places_a_server = 100;  // shares are right to about a hundredth

constexpr std::uint32_t no_server = ~std::uint32_t{0};

std::uint32_t size_for(std::size_t servers) {
    const auto fits = std::ranges::find_if(
        sizes, [&](std::uint32_t size) { return size >= servers * places_a_server; });
    return fits != sizes.end() ? *fits : sizes.back();
}

// A server's own order of places: each once, in steps from a start.
struct Places {
    std::uint32_t next;
    std::uint32_t step;
    std::uint32_t weight;
    std::uint64_t saved = 0;  // weight earned and not spent on a place yet

    std::uint32_t take_next(std::uint32_t size) {
        const auto place = next;
        next += step;  // below 2^21: both are below the largest size
        if (next >= size) next -= size;
        return place;
    }
};

Places places_of(const RealServer& server, std::uint32_t weight, std::uint32_t size) {
    const auto& configured = server.configured();
    const auto key = fmt::format("{} {} {}", configured.name, configured.host, configured.port);
    return {.next = static_cast<std::uint32_t>(hash_text(key, 1) % size),
            .step = static_cast<std::uint32_t>(hash_text(key, 2) % (size - 1) + 1),
            .weight = weight};
}

}  // namespace

void HashTable::build(std::span<const TableEntry> entries) {
    servers_.clear();
    slots_.clear();
    const auto weighty = static_cast<std::size_t>(
        std::ranges::count_if(entries, [](const TableEntry& e) { return e.weight > 0; }));
    if (weighty == 0) return;

    const auto size = size_for(weighty);
    std::vector<Places> places;
    std::uint64_t heaviest = 0;
    for (const auto& entry : entries) {
        if (entry.weight == 0) continue;
        servers_.push_back(entry.server);
        places.push_back(places_of(*entry.server, entry.weight, size));
        heaviest = std::max<std::uint64_t>(heaviest, entry.weight);
    }

    slots_.assign(size, no_server);
    for (std::uint32_t filled = 0; filled < size;) {
        for (std::uint32_t i = 0; i < places.size() && filled < size; ++i) {
            auto& own = places[i];
            own.saved += own.weight;
            if (own.saved < heaviest) continue;
            own.saved -= heaviest;
            auto place = own.take_next(size);
            while (slots_[place] != no_server)
                place = own.take_next(size);
            slots_[place] = i;
            ++filled;
        }
    }
}

}  // namespace poise::pool
