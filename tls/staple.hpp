// What is stapled to a certificate at handshakes: the responder's last good answer.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace poise::tls {

struct Staple {
    std::string der;                                   // an OCSPResponse (RFC 6960 section 4.2.1)
    std::chrono::system_clock::time_point good_until;  // its nextUpdate
};

/// One a certificate, kept over reloads. The control thread sets it, workers read it once a
/// handshake. Any thread.
class StapleSlot {
public:
    /// Null: nothing is stapled.
    void set(std::shared_ptr<const Staple> staple) { staple_.store(std::move(staple)); }
    /// Null when there is nothing, or nothing that is still good.
    std::shared_ptr<const Staple> get(std::chrono::system_clock::time_point now) const {
        auto staple = staple_.load();
        if (staple && staple->good_until <= now) staple.reset();
        return staple;
    }

private:
    std::atomic<std::shared_ptr<const Staple>> staple_;
};

}  // namespace poise::tls
