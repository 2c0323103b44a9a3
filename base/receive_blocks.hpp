// Memory that the kernel takes for what a ring's receives bring.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <liburing.h>
#include <memory>

namespace poise {

/// Belongs to one ring. The kernel goes round all blocks that it has, so all of them become
/// resident: there are as many as were ever needed at a time.
class ReceiveBlocks {
public:
    static constexpr std::size_t bytes = 4096;  // each
    static constexpr int group = 0;             // by which receives name them

    /// Throws std::system_error when `ring`, which outlives this, takes no such memory.
    explicit ReceiveBlocks(io_uring& ring);

    const char* at(std::uint16_t block) const { return &memory_[block * bytes]; }
    /// What came into the same socket behind `block`, and how much it is; for who keeps several.
    struct Next {
        std::uint16_t block = 0;
        std::uint16_t bytes = 0;
    };
    Next& next(std::uint16_t block) { return next_[block]; }
    void give_back(std::uint16_t block) noexcept;
    /// One more, up to a limit: the kernel has had none for a receive, which is told for each.
    void grow();

private:
    static constexpr unsigned most = 1024;  // a power of two
    static constexpr unsigned first = 32;
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };

    std::unique_ptr<io_uring_buf_ring, Free> queue_;  // of those that the kernel has
    std::unique_ptr<char[]> memory_;
    std::array<Next, most> next_;
    unsigned lent_ = 0;  // so many are in use, here or in the kernel
};

}  // namespace poise
