// The stream of replication on a real machine: a thread that listens at the heartbeat's addresses
// and ports with TCP while this node is active, and connects to the other node while it is not.
#pragma once

#include "base/address.hpp"
#include "ha/cluster_key.hpp"
#include "ha/replication.hpp"
#include "ha/replication_status.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace poise::ha {

struct ReplicatorSettings {
    std::vector<Address> bind, peers;  // paths, as config::Cluster has them; at least one
    ClusterKeys keys;                  // not empty
};

/// Any thread may call. The thread never waits for the caller's.
class Replicator {
public:
    /// The error is a sentence for the operator.
    static std::expected<std::unique_ptr<Replicator>, std::string> start(
        ReplicatorSettings settings, ReplicaEvents events);
    /// Ends the stream; no event is called after that.
    ~Replicator();
    Replicator(const Replicator&) = delete;
    Replicator& operator=(const Replicator&) = delete;

    /// Who gives: `gives`, this node; `takes`, the other one is there and does; neither: nobody.
    void set_roles(bool gives, bool takes);
    void set_content(ReplicaContent content);
    void set_keys(ClusterKeys keys);
    /// The other node's settings are to replace this one's. False when there is no stream.
    bool take_theirs();

    ReplicationStatus status() const;

private:
    class Loop;
    explicit Replicator(std::unique_ptr<Loop> loop);

    std::unique_ptr<Loop> loop_;
};

}  // namespace poise::ha
