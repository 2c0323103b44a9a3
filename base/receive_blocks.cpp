#include "base/receive_blocks.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace poise {

ReceiveBlocks::ReceiveBlocks(io_uring& ring)
    : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    void* memory =
        ::mmap(nullptr, bytes * most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_.reset(static_cast<char*>(memory));
    ::madvise(memory, bytes * most, MADV_NOHUGEPAGE);  // one block would make all resident
    constexpr std::size_t queue_bytes = most * sizeof(io_uring_buf);
    queue_.reset(static_cast<io_uring_buf_ring*>(std::aligned_alloc(page_, queue_bytes)));
    if (!queue_) throw std::bad_alloc();
    std::memset(static_cast<void*>(queue_.get()), 0, queue_bytes);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(queue_.get());
    registration.ring_entries = most;
    registration.bgid = group;
    if (const int error = -io_uring_register_buf_ring(&ring, &registration, 0); error != 0)
        throw std::system_error(error, std::generic_category(), "io_uring_register");
    spare_.resize(most);
    for (unsigned i = 0; i < most; ++i)
        spare_[i] = static_cast<std::uint16_t>(most - 1 - i);
    while (lent() < first)
        grow();
}

void ReceiveBlocks::Unmap::operator()(char* memory) const {
    ::munmap(memory, bytes * most);
}

void ReceiveBlocks::lend(std::uint16_t block) noexcept {
    io_uring_buf_ring_add(queue_.get(), &memory_[block * bytes], bytes, block,
                          io_uring_buf_ring_mask(most), 0);
    io_uring_buf_ring_advance(queue_.get(), 1);
}

void ReceiveBlocks::grow() {
    if (spare_.empty()) return;
    lend(spare_.back());
    spare_.pop_back();
    clean_ = std::min(clean_, spare_.size());
    surplus_ = 0;
}

void ReceiveBlocks::begin_turn() noexcept {
    most_taken_ = std::max(most_taken_, taken_);
    assert(given_back_ <= taken_);
    taken_ -= given_back_;
    given_back_ = 0;
}

void ReceiveBlocks::give_back(std::uint16_t block) noexcept {
    ++given_back_;
    // A surplus is as old as the last sweep: this turn may need them again.
    if (surplus_ == 0 || lent() <= enough_for(taken_)) return lend(block);
    --surplus_;
    spare_.push_back(block);
}

void ReceiveBlocks::sweep() noexcept {
    constexpr unsigned fading = 16;
    const bool idle = most_taken_ == 0 && taken_ == 0;
    needed_ = std::max({most_taken_, taken_, needed_ - (needed_ + fading - 1) / fading});
    most_taken_ = 0;
    const unsigned enough = enough_for(needed_);
    surplus_ = lent() > enough ? lent() - enough : 0;
    for (; page_ == bytes && clean_ < spare_.size(); ++clean_)
        ::madvise(&memory_[spare_[clean_] * bytes], bytes, MADV_DONTNEED);
    // While nothing comes nothing is given back. What the kernel has then is empty.
    if (idle && surplus_ > 0 && !all_clean_) ::madvise(memory_.get(), bytes * most, MADV_DONTNEED);
    all_clean_ = idle && surplus_ > 0;
}

}  // namespace poise
