// Asks the witnesses by ARP and neighbour discovery on the interfaces of the floating addresses:
// the gateways of this machine, and real servers of the addresses' networks.
#pragma once

#include "config/model.hpp"
#include "ha/announcements.hpp"
#include "ha/pair_status.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace poise::ha {

/// Belongs to one thread, whose network namespace it is for. Nothing waits. Needs CAP_NET_RAW; an
/// interface that cannot be used has no witnesses.
class WitnessCalls {
public:
    static constexpr std::size_t witnesses_max = 8;  // an interface; the gateways come first

    /// `others`: the other node's addresses. Who has its hardware address is no witness either:
    /// he goes when its machine goes.
    WitnessCalls(std::vector<config::FloatingAddress> addresses, std::vector<Address> others);
    ~WitnessCalls();
    WitnessCalls(const WitnessCalls&) = delete;
    WitnessCalls& operator=(const WitnessCalls&) = delete;

    /// Real servers; those behind a router are left out.
    void set_servers(std::vector<Address> servers);
    /// After a reload.
    void change(std::vector<config::FloatingAddress> addresses);

    /// A frame to each of them, in this node's own name: nobody learns of a floating address.
    void ask(Time now);
    /// Reads what has come in. True when a witness has answered.
    bool heard(Time now);

    std::vector<WitnessStatus> status(Time now) const;

private:
    struct Link;

    void make_links();
    void learn(Time now);

    std::vector<config::FloatingAddress> addresses_;
    std::vector<Address> others_, servers_;
    std::vector<std::unique_ptr<Link>> links_;
    Time learn_at_{};
};

}  // namespace poise::ha
