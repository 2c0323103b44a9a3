// dh and sh: a table over all configured servers that health does not change, and weights do.
#include "pool/hash_table.hpp"
#include "pool/schedulers.hpp"

#include <algorithm>

namespace poise::pool {

namespace {

// Built over the servers that carry the service: the backups only while they do. A server that
// cannot take a request, be it for a weight of 0, stays in the table; its requests go on along
// their own further hashes, and all others stay where they are. Another weight, of the operator,
// the agent or the file, moves about as many as the shares differ. Slow start moves none.
class FixedTable final : public Scheduler {
public:
    explicit FixedTable(HashOf hash_of) : hash_of_(hash_of) {}

    void prepare(std::span<RealServer* const> all,
                 std::span<RealServer* const> candidates) override {
        usable_at_all_ = !candidates.empty();
        if (!usable_at_all_) return;
        const bool backup = candidates.front()->backup();
        const auto entries_before = std::move(entries_);
        entries_.clear();
        for (RealServer* server : all) {
            if (server->backup() != backup) continue;
            const auto weight = server->settled_weight();
            entries_.push_back({server, weight > 0 ? weight : server->configured_weight()});
        }
        if (entries_ != entries_before) table_.clear();
    }

    RealServer* pick(const PickHint& hint) override {
        if (!usable_at_all_) return nullptr;
        if (table_.empty()) table_.build(entries_);  // here: most pools of many never pick
        const auto hash = hash_of_ == HashOf::source ? hint.source_hash : hint.destination_hash;
        return table_.find(hash, [&](const RealServer* server) {
            return server->may_take_new() && is_usable(server, hint);
        });
    }

private:
    HashOf hash_of_;
    bool usable_at_all_ = false;
    std::vector<TableEntry> entries_;
    HashTable table_;
};

}  // namespace

std::unique_ptr<Scheduler> make_fixed_table(HashOf hash_of) {
    return std::make_unique<FixedTable>(hash_of);
}

}  // namespace poise::pool
