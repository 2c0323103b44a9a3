// Memory that the kernel takes for what a ring's receives bring.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <liburing.h>
#include <memory>
#include <vector>

namespace poise {

/// Belongs to one ring. The kernel goes round all blocks that are lent to it, so all of them become
/// resident: there are as many as were needed at a time not long ago, and some more.
class ReceiveBlocks {
public:
    static constexpr std::size_t bytes = 4096;  // each; a page, mostly, which can go back alone
    static constexpr int group = 0;             // by which receives name them
    static constexpr unsigned first = 32;       // blocks that are always lent

    /// Throws std::system_error when `ring`, which outlives this, takes no such memory.
    explicit ReceiveBlocks(io_uring& ring);

    const char* at(std::uint16_t block) const { return &memory_[block * bytes]; }
    /// What came into the same socket behind `block`, and how much it is; for who keeps several.
    struct Next {
        std::uint16_t block = 0;
        std::uint16_t bytes = 0;
    };
    Next& next(std::uint16_t block) { return next_[block]; }

    /// What completions tell from now on happened in one call.
    void begin_turn() noexcept;
    /// The kernel has put something into one, which is ours until it is given back.
    void on_taken() noexcept { ++taken_; }
    void give_back(std::uint16_t block) noexcept;
    /// One more, up to a limit: the kernel has had none for a receive, which is told for each.
    void grow();
    /// Call it now and then: gives memory back that has not been needed for a while. All blocks
    /// that the kernel has used have been told of (on_taken).
    void sweep() noexcept;

    /// Those in use, here or in the kernel.
    unsigned lent() const { return most - static_cast<unsigned>(spare_.size()); }

private:
    static constexpr unsigned most = 1024;  // a power of two
    struct Unmap {
        void operator()(char* memory) const;
    };
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    static constexpr unsigned enough_for(unsigned needed) {
        return needed + needed / 4 > first ? needed + needed / 4 : first;
    }
    void lend(std::uint16_t block) noexcept;

    const std::size_t page_;
    std::unique_ptr<io_uring_buf_ring, Free> queue_;  // of those that the kernel has
    std::unique_ptr<char[], Unmap> memory_;
    std::array<Next, most> next_;
    std::vector<std::uint16_t> spare_;  // not lent; the last goes first
    std::size_t clean_ = most;          // so many at the bottom of it hold no memory
    unsigned taken_ = 0;                // by the kernel, those given back in this turn among them
    unsigned given_back_ = 0;
    unsigned most_taken_ = 0;  // in one turn, since the last sweep
    unsigned needed_ = 0;      // fades
    unsigned surplus_ = 0;     // so many of those that come back are not lent again
    bool all_clean_ = false;   // no block holds memory
};

}  // namespace poise
