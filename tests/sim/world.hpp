// Two nodes of a pair on virtual time, with a network, kernels and guardians that misbehave.
#pragma once

#include "ha/fitness.hpp"
#include "ha/member.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace poise::sim {

using ha::Time;
using Micros = std::chrono::microseconds;

/// One direction between the nodes.
struct Way {
    double loss = 0;      // of datagrams
    double repeated = 0;  // come twice
    Micros delay{100};
    Micros jitter{50};
    bool cut = false;

    bool good() const { return !cut && delay < Micros(20'000); }
};

struct Datagram {
    Time at;
    std::uint64_t order = 0;  // of sending: ties are broken the same way in each run
    int to = 0;
    std::uint64_t from_boot = 0, for_boot = 0;  // stand for the nonces that seal
    ha::Kind kind = ha::Kind::beat;
    std::uint64_t counter = 0;
    std::vector<std::uint8_t> content;

    bool operator>(const Datagram& other) const {
        return at != other.at ? at > other.at : order > other.order;
    }
};

/// A machine: the process with its state machine, the guardian, and the addresses in the kernel.
struct Machine {
    bool on = true;           // has power
    bool running = true;      // the process lives
    Time frozen_until{};      // the process does not run
    bool all_frozen = false;  // nor does the kernel
    Time next_tick{};
    Time died_at{};
    ha::SelfView self;
    std::size_t links_down = 0;  // of links_in_all
    std::size_t refuses = 0;     // the kernel: so many of the addresses with a link
    ha::Fitness fitness;
    Time renew_at{};
    std::unique_ptr<ha::Member> member;
    std::uint64_t boot = 0, peer_boot = 0, session_boot = 0, counter = 0;
    std::uint64_t newest_of_session = 0;
    std::deque<Datagram> inbox;
    bool has_addresses = false;
    Time lease_until{};
    Time well_since{};  // runs without a fault of its own
    bool witness_asked = false;
    Time isolated_since{}, peer_taken_at{}, witness_taken_at{};

    bool frozen(Time now) const { return now < frozen_until; }
    /// A client that asks for the address now gets an answer from here.
    /// Then it answers for some of them, at least.
    bool able() const { return links_in_all > links_down + refuses; }
    bool answers(Time now) const {
        return on && has_addresses && able() && !(all_frozen && frozen(now));
    }
    static constexpr std::size_t links_in_all = 2;
};

class World {
public:
    /// `witness`: a gateway answers both nodes.
    explicit World(std::uint64_t seed, bool failback = false, bool witness = false);

    void run_for(Micros duration);
    Time now() const { return now_; }
    std::uint64_t beats() const { return beats_; }

    // What may go wrong. `node` is 0 or 1.
    void kill(int node, bool guardian_lives);
    void power_off(int node);
    void start(int node);
    void freeze(int node, Micros duration, bool whole_machine);
    /// So many of its two links are down, and of the rest so many addresses are refused.
    void set_links(int node, std::size_t down, std::size_t refused);
    Way& way_to(int node) { return ways_[node]; }
    /// Whether the gateway's answers come to the node; without a gateway it changes nothing.
    void set_witness(int node, bool reached);
    /// Both ways are as they should be from now on.
    void heal();

    Machine& machine(int node) { return machines_[node]; }
    ha::State state(int node) const { return machines_[node].member->ownership().state(); }
    int answering() const;
    /// Takeovers that nobody ordered, of nodes whose peer was well.
    std::uint64_t false_takeovers() const { return false_takeovers_; }
    Micros zero_owners_worst() const { return zero_worst_; }

    /// The first invariant that did not hold; empty: all held.
    const std::string& broken() const { return broken_; }

private:
    void tick(int node);
    void deliver(Datagram datagram);
    void receive(Machine& machine);
    void take_inbox(Machine& machine);
    void take(Machine& machine, const Datagram& datagram);
    void hold(Machine& machine);
    void beat(Machine& machine);
    int index(const Machine& machine) const { return static_cast<int>(&machine - machines_); }
    void send(int node, ha::Kind kind, const std::vector<std::uint8_t>& content);
    void guard(int node);
    void check();
    void check_two_owners();
    void check_no_owner();
    void check_alone(int node);
    void check_unfit();
    void look_at_self(Machine& machine);
    bool steady(int node, Micros for_at_least) const;
    double chance() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    bool well(int node, Micros for_at_least) const;

    std::mt19937_64 random_;
    bool failback_, witness_;
    bool witness_reached_[2] = {true, true};
    Time now_{std::chrono::hours(1)};
    std::uint64_t boots_ = 0, orders_ = 0, beats_ = 0, false_takeovers_ = 0;
    Machine machines_[2];
    Way ways_[2];
    Time ways_good_since_{};
    std::priority_queue<Datagram, std::vector<Datagram>, std::greater<>> in_flight_;
    Time two_since_{}, none_since_{}, unheld_since_{};
    Micros zero_worst_{0};
    std::string broken_;
};

}  // namespace poise::sim
