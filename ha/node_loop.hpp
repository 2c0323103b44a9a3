// The thread behind Node; for node.cpp and node_loop.cpp alone.
#pragma once

#include "ha/announcer.hpp"
#include "ha/fitness.hpp"
#include "ha/floating_addresses.hpp"
#include "ha/guardian.hpp"
#include "ha/links.hpp"
#include "ha/member.hpp"
#include "ha/node.hpp"
#include "ha/path.hpp"
#include "ha/sealing.hpp"
#include "ha/witness_calls.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace poise::ha {

class Node::Loop {
public:
    Loop(NodeSettings settings, NodeEvents events);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    std::expected<void, std::string> open();
    void run_thread();

    /// Runs `work` on the thread; waits for it when `wait`. After the end: never.
    void post(std::function<void()> work, bool wait);
    void end();

    PairStatus published() const;

    // On the thread:
    Member& member() { return *member_; }
    const SelfView& self() const { return self_; }
    SelfFacts& facts() { return facts_; }
    /// As of now; the other node's settings may change at any beat.
    /// False counts from now on, true from the next tick, which compares it with the last beat.
    void set_verified(bool verified) {
        verified_ = verified;
        self_.verified = self_.verified && verified;
    }
    Sealing& sealing() { return *sealing_; }
    void change_neighbours(std::vector<Address> neighbours);
    void change_addresses(std::vector<config::FloatingAddress> addresses);

private:
    static constexpr std::chrono::seconds lease{1};
    static constexpr std::size_t unconfirmed_shown = 16;
    static constexpr std::chrono::milliseconds publish_every{200};
    static constexpr std::chrono::seconds unheard_for{1};
    static constexpr std::uint64_t bad_in_a_tick_max = 50;
    static constexpr std::chrono::milliseconds batch_every{1};

    void run();
    void wake() const;
    void wait_until(Time due);
    bool flooded() const;
    std::uint64_t bad_datagrams() const;
    void do_posted();
    void receive(std::size_t path);
    void take(std::size_t path, std::span<const std::uint8_t> datagram, Time now);
    void tick(Time now);
    void look_at_self(Time now);
    void hold_addresses(Time now);
    void judge(const std::vector<AddressProblem>& problems, Time now);
    void apply(Time now);
    bool in_switch_over(Time now) const;
    void announce_if_due(Time now);
    void tell_changes(Time now);
    void beat(Time now);
    void beat_as_due(Time now);
    void say_farewell(Time now);
    void tell(bool bad, const std::string& line);
    void tell_problems(const std::vector<AddressProblem>& problems);
    void publish(Time now);
    std::vector<std::string> unconfirmed_here() const;
    std::vector<std::string> troubles(Time now) const;
    bool unheard(Time now) const;  // the other node says that our beats do not come

    NodeSettings settings_;
    NodeEvents events_;
    Time next_tick_{};
    std::unique_ptr<Sealing> sealing_;
    std::unique_ptr<Member> member_;
    std::vector<Path> paths_;
    std::optional<FloatingAddresses> addresses_;
    std::unique_ptr<Announcer> announcer_;
    std::unique_ptr<WitnessCalls> witnesses_;  // null: there is no other node
    std::unique_ptr<Guardian> guardian_;
    std::unique_ptr<Links> links_;
    SelfView self_;
    SelfFacts facts_;
    bool verified_ = false;
    Fitness fitness_;
    std::string refusal_;  // the kernel's, the last time
    std::vector<std::string> links_down_;
    std::vector<std::string> problems_;
    std::array<std::uint64_t, refused_kinds> refused_{};
    std::uint64_t bad_before_ = 0;  // datagrams, at the last tick
    bool flooded_before_ = false;
    std::uint64_t changes_told_ = 0, announcements_done_ = 0;
    State state_told_ = State::listening;
    Time sign_of_owner_{};  // the last one of the former owner
    std::vector<OwnerChange> changes_;
    bool key_problem_ = false, unheard_told_ = false;
    Time publish_at_{}, looked_after_{};
    Time well_heard_{};  // the other node was gone or heard this one

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable done_;
    std::vector<std::function<void()>> posted_;
    PairStatus published_;
    bool ending_ = false, ended_ = false;

    int wake_fd_ = -1;
    std::thread thread_;
};

}  // namespace poise::ha
