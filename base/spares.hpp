// What is kept for the next who needs one, as long as somebody does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace poise {

/// Things that ended users have left. The last that came goes first, so that those at the bottom
/// are the ones that are not needed. Belongs to one thread.
template <typename T>
class Spares {
public:
    bool empty() const { return spares_.empty(); }
    std::size_t size() const { return spares_.size(); }

    void put(T&& spare) { spares_.push_back(std::move(spare)); }
    /// Not when empty.
    T take() {
        T last = std::move(spares_.back());
        spares_.pop_back();
        untouched_ = std::min(untouched_, spares_.size());
        return last;
    }

    /// Call it now and then: destroys some of those that nobody has needed since the last call, so
    /// that a burst's are gone after some dozens of calls and a pause costs few. `let_go` sees
    /// each.
    template <typename LetGo>
    void sweep(LetGo let_go) {
        const auto some = static_cast<std::ptrdiff_t>((untouched_ + fading - 1) / fading);
        for (auto it = spares_.begin(); it != spares_.begin() + some; ++it)
            let_go(*it);
        spares_.erase(spares_.begin(), spares_.begin() + some);
        untouched_ = spares_.size();
    }
    void sweep() {
        sweep([](const T&) {});
    }

private:
    static constexpr std::size_t fading = 16;

    std::vector<T> spares_;
    std::size_t untouched_ = 0;  // so many at the bottom, since the last sweep
};

}  // namespace poise
