// A pipe of the kernel that bytes pass through from one socket to another without being copied.
#pragma once

#include <cstddef>
#include <memory>

namespace poise {

/// Used on one thread. Holds 256 KiB, or 64 KiB when the kernel allows no more.
class Pipe {
public:
    /// Null when the kernel has none to give (descriptors, the user's limit of pipe pages).
    static std::unique_ptr<Pipe> open();
    ~Pipe();
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    int in() const { return in_; }    // the end that bytes go into
    int out() const { return out_; }  // the end that they come from
    std::size_t held() const { return held_; }
    void added(std::size_t bytes) { held_ += bytes; }
    void removed(std::size_t bytes);

private:
    Pipe(int out, int in) : in_(in), out_(out) {}

    int in_;
    int out_;
    std::size_t held_ = 0;
};

}  // namespace poise
