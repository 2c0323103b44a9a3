#include "l4/fragments.hpp"

#include <array>
#include <cstring>
#include <string_view>

namespace poise::l4 {

std::uint64_t Fragments::key_of(const PacketView& view) const {
    std::array<char, 37> bytes{};
    std::memcpy(bytes.data(), view.source.data(), 16);
    std::memcpy(bytes.data() + 16, view.destination.data(), 16);
    std::memcpy(bytes.data() + 32, &view.fragment_id, 4);
    bytes[36] = static_cast<char>(view.protocol);
    return keyed_hash(secret_, {bytes.data(), bytes.size()}).low | 1;
}

void Fragments::remember(const PacketView& first, Fate fate, Clock::time_point now) {
    const std::uint64_t key = key_of(first);
    entries_[key / 2 % places] = {key, now + life, fate};
}

const Fragments::Fate* Fragments::find(const PacketView& later, Clock::time_point now) const {
    const std::uint64_t key = key_of(later);
    const Entry& entry = entries_[key / 2 % places];
    return entry.key == key && entry.expires > now ? &entry.fate : nullptr;
}

}  // namespace poise::l4
