// The UDP sessions of one listener, found by who sent the datagram and where to.
#pragma once

#include "base/address.hpp"
#include "base/hash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace poise::proxy {

/// Two datagrams belong to one session when these are equal.
struct UdpKey {
    Address client;
    std::uint16_t unused = 0;                // no byte without a value: the key is hashed as it is
    std::array<std::uint8_t, 16> dialled{};  // on a wildcard listener: the address of ours; else 0
    std::uint32_t scope = 0;                 // of a link-local client: its network interface

    bool operator==(const UdpKey&) const = default;
};
static_assert(std::has_unique_object_representations_v<UdpKey>);

/// A hash table that owns nothing and allocates only when it grows. Clients choose their keys, so
/// the hash has a secret. One thread.
class UdpTable {
public:
    /// What is found; to be derived from.
    class Entry {
    public:
        explicit Entry(const UdpKey& given) : key(given) {}
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        const UdpKey key;

    protected:
        ~Entry() = default;

    private:
        friend class UdpTable;
        std::uint64_t hash_ = 0;
        Entry* next_ = nullptr;
    };

    explicit UdpTable(const HashKey& secret);

    /// Null: there is none.
    Entry* find(const UdpKey& key) const;
    /// Its key is not in the table yet. `entry` must be erased before it ends.
    void insert(Entry& entry);
    void erase(Entry& entry);

    std::size_t size() const { return size_; }
    /// For rare walks: what is found may then be erased.
    std::vector<Entry*> all() const;

private:
    std::uint64_t hash_of(const UdpKey& key) const;
    Entry** bucket(std::uint64_t hash) { return &buckets_[hash & (buckets_.size() - 1)]; }
    void grow();

    HashKey secret_;
    std::vector<Entry*> buckets_;  // a power of two; as many as entries, or more
    std::size_t size_ = 0;
};

}  // namespace poise::proxy
