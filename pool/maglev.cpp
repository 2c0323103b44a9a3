// maglev: consistent hashing of the source over the candidates of now, by their weight of now.
#include "pool/hash_table.hpp"
#include "pool/schedulers.hpp"

namespace poise::pool {

namespace {

class Maglev final : public Scheduler {
public:
    void prepare(std::span<RealServer* const>, std::span<RealServer* const> candidates) override {
        const auto entries_before = std::move(entries_);
        entries_.clear();
        for (RealServer* server : candidates)
            entries_.push_back({server, server->effective_weight()});
        if (entries_ != entries_before) table_.clear();
    }

    RealServer* pick(const PickHint& hint) override {
        // Built here and not above: a change that nobody's request meets costs nothing.
        if (table_.empty()) table_.build(entries_);
        return table_.find(hint.source_hash,
                           [&](const RealServer* server) { return is_usable(server, hint); });
    }

private:
    std::vector<TableEntry> entries_;
    HashTable table_;
};

}  // namespace

std::unique_ptr<Scheduler> make_maglev() {
    return std::make_unique<Maglev>();
}

}  // namespace poise::pool
