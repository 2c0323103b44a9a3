// Memory for bytes on their way: borrowed from the worker's pool while there are any, so that an
// idle connection holds none.
#pragma once

#include "base/pipe.hpp"
#include "base/spares.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace poise::proxy {

/// One a worker. Keeps a bounded number of free blocks of each size.
class BufferPool {
public:
    /// A message head fits the first; bulk moves best in the last (docs/notes/bodies.md).
    static constexpr std::array<std::size_t, 3> sizes{16'384, 65'536, 262'144};

    std::unique_ptr<char[]> take(std::size_t size_class);
    void give_back(std::unique_ptr<char[]> block, std::size_t size_class);

    /// A pipe for bulk; null when as many as may be are lent, or the kernel has none.
    std::unique_ptr<Pipe> take_pipe();
    /// One that still holds bytes is closed.
    void give_back(std::unique_ptr<Pipe> pipe);

    /// Call it now and then: frees what has not been needed for a while.
    void sweep();

private:
    static constexpr std::array<std::size_t, 3> spare_max{256, 16, 8};
    static constexpr std::size_t pipes_max = 64;  // two descriptors each, of app/limits' reserve
    std::array<Spares<std::unique_ptr<char[]>>, 3> spare_;
    Spares<std::unique_ptr<Pipe>> spare_pipes_;
    std::size_t pipes_lent_ = 0;
};

/// A contiguous range of bytes that is filled at its end and used up from its start.
class Buffer {
public:
    explicit Buffer(BufferPool& pool) : pool_(&pool) {}
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { release(); }

    std::string_view view() const { return {block_.get() + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }
    std::size_t capacity() const { return block_ ? BufferPool::sizes[size_class_] : 0; }

    /// Room for more bytes after the last one; takes the first block when there is none.
    std::span<char> space();
    void commit(std::size_t bytes);   // `bytes` of space() were filled
    void consume(std::size_t bytes);  // the first `bytes` of view() are used up

    /// More room: moves the bytes to the start of the block or to a larger block, so views into
    /// the buffer end. False when it is at its largest and full.
    bool make_room();

    /// Takes the next larger size for the next fill. Only when empty.
    void enlarge_empty();

    /// Gives the memory back; the bytes are gone.
    void release();
    void release_if_empty() {
        if (empty()) release();
    }

private:
    // Small, for each idle client has one: 24 bytes.
    BufferPool* pool_;
    std::unique_ptr<char[]> block_;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ : 24 = 0;
    std::uint32_t size_class_ : 8 = 0;
    static_assert(BufferPool::sizes.back() < 1U << 24);
};

}  // namespace poise::proxy
