// Wrong passwords make the next try wait, longer each time.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace poise::admin {

/// Counts failures a key ("user from address", "address"). Bounded: the oldest are forgotten.
class Lockout {
public:
    using Time = std::chrono::system_clock::time_point;

    static constexpr std::size_t keys_max = 4'096;
    static constexpr std::chrono::seconds delay_max{900};
    static constexpr std::chrono::hours forgotten_after{24};

    /// After `free` failures the delays begin: 1 s, 2 s, 4 s, ... up to `delay_max`.
    explicit Lockout(unsigned free) : free_(free) {}

    /// How long the next try has to wait; 0: it may be made now.
    std::chrono::seconds wait(const std::string& key, Time now) const;
    void failed(const std::string& key, Time now);
    void succeeded(const std::string& key) { entries_.erase(key); }
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        unsigned failures = 0;
        Time last;
    };
    std::chrono::seconds delay(const Entry& entry) const;
    void make_room(Time now);

    unsigned free_;
    std::map<std::string, Entry> entries_;
};

}  // namespace poise::admin
