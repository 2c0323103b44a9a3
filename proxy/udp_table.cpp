#include "proxy/udp_table.hpp"

#include <cassert>
#include <string_view>

namespace poise::proxy {

namespace {

constexpr std::size_t buckets_first = 64;

}  // namespace

UdpTable::UdpTable(const HashKey& secret) : secret_(secret), buckets_(buckets_first) {}

std::uint64_t UdpTable::hash_of(const UdpKey& key) const {
    const std::string_view bytes{reinterpret_cast<const char*>(&key), sizeof key};
    return keyed_hash(secret_, bytes).low;
}

UdpTable::Entry* UdpTable::find(const UdpKey& key) const {
    const std::uint64_t hash = hash_of(key);
    Entry* entry = buckets_[hash & (buckets_.size() - 1)];
    while (entry != nullptr && (entry->hash_ != hash || !(entry->key == key)))
        entry = entry->next_;
    return entry;
}

void UdpTable::insert(Entry& entry) {
    assert(find(entry.key) == nullptr);
    if (size_ == buckets_.size()) grow();
    entry.hash_ = hash_of(entry.key);
    Entry** first = bucket(entry.hash_);
    entry.next_ = *first;
    *first = &entry;
    ++size_;
}

void UdpTable::erase(Entry& entry) {
    Entry** at = bucket(entry.hash_);
    while (*at != &entry) {
        assert(*at != nullptr);
        at = &(*at)->next_;
    }
    *at = entry.next_;
    entry.next_ = nullptr;
    --size_;
}

std::vector<UdpTable::Entry*> UdpTable::all() const {
    std::vector<Entry*> entries;
    entries.reserve(size_);
    for (Entry* entry : buckets_)
        for (; entry != nullptr; entry = entry->next_)
            entries.push_back(entry);
    return entries;
}

void UdpTable::grow() {
    const auto entries = all();
    buckets_.assign(buckets_.size() * 2, nullptr);
    for (Entry* entry : entries) {
        Entry** first = bucket(entry->hash_);
        entry->next_ = *first;
        *first = entry;
    }
}

}  // namespace poise::proxy
