#include "base/pipe.hpp"

#include <array>
#include <cassert>
#include <fcntl.h>
#include <unistd.h>

namespace poise {

namespace {

constexpr int capacity_wanted = 262'144;  // fewer calls than the kernel's 64 KiB need

}  // namespace

std::unique_ptr<Pipe> Pipe::open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
    // Refused when the user's pipes have all the pages they may: then it stays as it is.
    ::fcntl(ends[1], F_SETPIPE_SZ, capacity_wanted);
    return std::unique_ptr<Pipe>(new Pipe(ends[0], ends[1]));
}

Pipe::~Pipe() {
    ::close(in_);
    ::close(out_);
}

void Pipe::removed(std::size_t bytes) {
    assert(bytes <= held_);
    held_ -= bytes;
}

}  // namespace poise
