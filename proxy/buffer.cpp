#include "proxy/buffer.hpp"

#include <cassert>
#include <cstring>
#include <utility>

namespace poise::proxy {

std::unique_ptr<char[]> BufferPool::take(std::size_t size_class) {
    auto& spare = spare_.at(size_class);
    if (spare.empty()) return std::make_unique_for_overwrite<char[]>(sizes.at(size_class));
    return spare.take();
}

void BufferPool::give_back(std::unique_ptr<char[]> block, std::size_t size_class) {
    assert(block != nullptr);
    auto& spare = spare_.at(size_class);
    if (spare.size() < spare_max.at(size_class)) spare.put(std::move(block));
}

std::unique_ptr<Pipe> BufferPool::take_pipe() {
    if (pipes_lent_ == pipes_max) return nullptr;
    std::unique_ptr<Pipe> pipe;
    if (spare_pipes_.empty()) {
        pipe = Pipe::open();
    } else {
        pipe = spare_pipes_.take();
    }
    if (pipe) ++pipes_lent_;
    return pipe;
}

void BufferPool::give_back(std::unique_ptr<Pipe> pipe) {
    assert(pipe != nullptr);
    assert(pipes_lent_ > 0);
    --pipes_lent_;
    if (pipe->held() == 0) spare_pipes_.put(std::move(pipe));
}

void BufferPool::sweep() {
    for (auto& spare : spare_)
        spare.sweep();
    spare_pipes_.sweep();
}

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_),
      block_(std::move(other.block_)),
      begin_(other.begin_),
      end_(other.end_),
      size_class_(other.size_class_) {
    other.release();
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    pool_ = other.pool_;
    block_ = std::move(other.block_);
    begin_ = other.begin_;
    end_ = other.end_;
    size_class_ = other.size_class_;
    other.release();
    return *this;
}

std::span<char> Buffer::space() {
    if (!block_) block_ = pool_->take(size_class_);
    return {block_.get() + end_, capacity() - end_};
}

void Buffer::commit(std::size_t bytes) {
    assert(bytes <= capacity() - end_);
    end_ += bytes;
}

void Buffer::consume(std::size_t bytes) {
    assert(bytes <= end_ - begin_);
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
}

bool Buffer::make_room() {
    if (!block_) {
        space();
        return true;
    }
    const std::size_t held = end_ - begin_;
    if (begin_ > 0) {
        std::memmove(block_.get(), block_.get() + begin_, held);
    } else {
        if (end_ < capacity()) return true;
        if (size_class_ + 1 == BufferPool::sizes.size()) return false;
        auto larger = pool_->take(size_class_ + 1);
        std::memcpy(larger.get(), block_.get(), held);
        pool_->give_back(std::exchange(block_, std::move(larger)), size_class_);
        ++size_class_;
    }
    begin_ = 0;
    end_ = held;
    return true;
}

void Buffer::enlarge_empty() {
    assert(empty());
    if (size_class_ + 1 == BufferPool::sizes.size()) return;
    const std::size_t next = size_class_ + 1;
    release();
    size_class_ = next;
}

void Buffer::release() {
    if (block_) pool_->give_back(std::move(block_), size_class_);
    size_class_ = begin_ = end_ = 0;
}

}  // namespace poise::proxy
