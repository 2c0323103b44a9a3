#include "base/receive_blocks.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <unistd.h>

namespace poise {

ReceiveBlocks::ReceiveBlocks(io_uring& ring)
    : memory_(std::make_unique_for_overwrite<char[]>(bytes * most)) {
    constexpr std::size_t queue_bytes = most * sizeof(io_uring_buf);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    queue_.reset(static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, queue_bytes)));
    if (!queue_) throw std::bad_alloc();
    std::memset(static_cast<void*>(queue_.get()), 0, queue_bytes);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(queue_.get());
    registration.ring_entries = most;
    registration.bgid = group;
    if (const int error = -io_uring_register_buf_ring(&ring, &registration, 0); error != 0)
        throw std::system_error(error, std::generic_category(), "io_uring_register");
    while (lent_ < first)
        give_back(static_cast<std::uint16_t>(lent_++));
}

void ReceiveBlocks::give_back(std::uint16_t block) noexcept {
    io_uring_buf_ring_add(queue_.get(), &memory_[block * bytes], bytes, block,
                          io_uring_buf_ring_mask(most), 0);
    io_uring_buf_ring_advance(queue_.get(), 1);
}

void ReceiveBlocks::grow() {
    if (lent_ < most) give_back(static_cast<std::uint16_t>(lent_++));
}

}  // namespace poise
