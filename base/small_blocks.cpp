#include "base/small_blocks.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>
#include <utility>

namespace poise {

namespace {

// The C library's blocks hold 8 bytes more than a multiple of 16.
constexpr std::size_t step = 16;
constexpr std::size_t odd = 8;

constexpr std::size_t size_for(std::size_t bytes) {
    return bytes <= step + odd ? 1 : (bytes - odd + step - 1) / step;
}

constexpr std::size_t size_of(std::size_t usable) {
    return usable < odd ? 0 : (usable - odd) / step;
}

static_assert(size_for(24) == 1 && size_for(25) == 2 && size_for(40) == 2 && size_for(41) == 3);
static_assert(size_of(24) == 1 && size_of(39) == 1 && size_of(40) == 2);

}  // namespace

#if __has_feature(address_sanitizer)
const std::size_t SmallBlocks::kept_max_default = 0;
#else
const std::size_t SmallBlocks::kept_max_default = 262'144;
#endif

SmallBlocks::~SmallBlocks() {
    free_all();
}

void* SmallBlocks::take(std::size_t bytes) noexcept {
    used_ = true;
    const std::size_t size = size_for(bytes);
    if (size >= free_.size() || free_[size] == nullptr) return std::malloc(bytes);
    Free* block = std::exchange(free_[size], free_[size]->next);
    kept_ -= size * step;
    return block;
}

void SmallBlocks::give_back(void* block) noexcept {
    if (block == nullptr) return;
    const std::size_t size = size_of(malloc_usable_size(block));
    if (size == 0 || size >= free_.size() || kept_ + size * step > kept_max_) {
        std::free(block);
        return;
    }
    free_[size] = new (block) Free{free_[size]};
    kept_ += size * step;
}

void SmallBlocks::sweep() noexcept {
    if (!std::exchange(used_, false)) free_all();
}

void SmallBlocks::free_all() noexcept {
    for (Free*& first : free_)
        while (first != nullptr)
            std::free(std::exchange(first, first->next));
    kept_ = 0;
}

}  // namespace poise
