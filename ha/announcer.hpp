// Announces the floating addresses on their interfaces: packet sockets around `Announcements`.
#pragma once

#include "config/model.hpp"
#include "ha/announcements.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace poise::ha {

/// Belongs to one thread, whose network namespace it is for. Nothing waits: call tick() every
/// few milliseconds, as owner and as standby, for a standby listens whom it will have to tell.
/// Needs CAP_NET_RAW.
class Announcer {
public:
    using Clock = std::chrono::steady_clock;

    explicit Announcer(std::vector<config::FloatingAddress> addresses);
    ~Announcer();
    Announcer(const Announcer&) = delete;
    Announcer& operator=(const Announcer&) = delete;

    /// Others than the gateway and the recent clients who must know: real servers, the operator's
    /// own list. Those behind a router are harmless: they never answer, and count as unconfirmed
    /// only when they are of the network of a floating address.
    void set_neighbours(std::vector<Address> neighbours);
    /// After a reload. Announces the new ones when the addresses are owned.
    void change(std::vector<config::FloatingAddress> addresses, Clock::time_point now);

    /// The kernel has the addresses now, or communication is back: everybody is told, before this
    /// returns, and asked to confirm.
    void begin(Clock::time_point now);
    /// They have gone to the other node.
    void end();

    /// Reads what has come in, sends what is due. Returns lines for the log: another host that
    /// claims an address, an interface that cannot be used. Costs a system call or two an
    /// interface when there is nothing to do.
    std::vector<std::string> tick(Clock::time_point now);

    /// To wait on for reading, should a tick be too slow to hear.
    std::vector<int> descriptors() const;

    std::vector<Unconfirmed> unconfirmed() const;
    std::vector<Conflict> conflicts() const;
    std::uint64_t frames_sent() const { return frames_sent_; }

private:
    struct Link;

    void make_links();
    Link& link_on(const std::string& interface);
    void learn_neighbours(Clock::time_point now);
    void receive(Link& link, Clock::time_point now, std::vector<std::string>& lines);
    void send(Link& link, Clock::time_point now);
    void announce(Link& link, Clock::time_point now);  // from the start

    std::vector<config::FloatingAddress> addresses_;
    std::vector<Address> given_;
    std::vector<std::unique_ptr<Link>> links_;
    bool active_ = false;
    Clock::time_point learn_at_{};
    Clock::time_point look_at_{};
    std::uint64_t frames_sent_ = 0;
};

}  // namespace poise::ha
