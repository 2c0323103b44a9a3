// One node of the pair on a real machine: a thread with the heartbeat's sockets and timer, which
// carries out in the kernel what the state machine decides.
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"
#include "ha/cluster_key.hpp"
#include "ha/pair_status.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace poise::ha {

struct NodeSettings {
    std::string name, version;
    config::Cluster cluster;  // without peers: this node is alone, and holds the addresses
    ClusterKeys keys;         // not empty
    std::vector<config::FloatingAddress> addresses;
    std::vector<Address> neighbours;  // who must know where the addresses are: real servers
    std::uint16_t stream_port = 0;    // where state is taken; 0: nowhere
    bool guardian = true;             // false in tests that have no binary to start
};

/// Called on the node's thread; must not wait.
struct NodeEvents {
    std::function<void(const OwnerChange&)> on_change;
    std::function<void(bool bad, const std::string& line)> on_line;
};

/// Any thread may call; orders are carried out on the node's own thread. The thread asks for a
/// real-time priority, and goes on without when it may not have one.
class Node {
public:
    /// The error is a sentence for the operator. Needs CAP_NET_ADMIN and CAP_NET_RAW.
    static std::expected<std::unique_ptr<Node>, std::string> start(NodeSettings settings,
                                                                   NodeEvents events);
    /// Stops at once when stop() has not: the addresses are released.
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    PairStatus status() const;

    /// Waits for the thread's answer; empty: it is under way or done. Else a sentence.
    std::string takeover(bool force);
    std::string standby();
    /// Hands over when the other node is there, at most `limit`; then releases the addresses and
    /// says farewell. Returns when that is done.
    void stop(std::chrono::milliseconds limit);

    /// After a reload.
    void set_addresses(std::vector<config::FloatingAddress> addresses);
    void set_neighbours(std::vector<Address> neighbours);
    void set_keys(ClusterKeys keys);
    /// What this node has in force; `verified`: it equals what the active node has.
    void set_config(ConfigMark mark, bool verified);

    ConfigMark peer_config() const;

private:
    class Loop;
    explicit Node(std::unique_ptr<Loop> loop);

    std::unique_ptr<Loop> loop_;
};

/// Of the configured addresses, the same on both nodes whatever their order.
std::uint64_t addresses_hash(const std::vector<config::FloatingAddress>& addresses);

}  // namespace poise::ha
