// Small memory of what has ended, kept for what comes next.
#pragma once

#include <array>
#include <cstddef>

namespace poise {

/// Blocks of the C library, which itself keeps seven of a size and none above a kilobyte without
/// searching for them: a burst of requests needs more. Belongs to one worker thread: no locks.
/// Every block may as well go to std::free or std::realloc.
class SmallBlocks {
public:
    static constexpr std::size_t block_max = 2048;  // larger ones are not kept
    static const std::size_t kept_max_default;      // bytes; 0 where AddressSanitizer watches

    explicit SmallBlocks(std::size_t kept_max = kept_max_default) : kept_max_(kept_max) {}
    ~SmallBlocks();
    SmallBlocks(const SmallBlocks&) = delete;
    SmallBlocks& operator=(const SmallBlocks&) = delete;

    /// At least `bytes`, aligned as by std::malloc. Null: there is no memory.
    void* take(std::size_t bytes) noexcept;
    /// `block` is one of take() or of std::malloc, or null.
    void give_back(void* block) noexcept;

    /// Call it now and then: frees everything when nothing was taken since the last call.
    void sweep() noexcept;

    std::size_t kept() const { return kept_; }  // bytes

private:
    struct Free {
        Free* next;
    };
    void free_all() noexcept;

    const std::size_t kept_max_;
    std::size_t kept_ = 0;
    bool used_ = false;                             // since the last sweep
    std::array<Free*, block_max / 16 + 1> free_{};  // by what a block holds
};

}  // namespace poise
