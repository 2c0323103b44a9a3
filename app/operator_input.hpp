// What an operator, or a script in his place, answers to a command while something else goes on.
#pragma once

#include <optional>
#include <string>

namespace poise::app {

/// Lines of a descriptor, read when asked for: nothing of it waits.
class OperatorInput {
public:
    explicit OperatorInput(int fd) : fd_(fd) {}

    /// To be watched until it can be read; -1: it has ended.
    int fd() const { return ended_ ? -1 : fd_; }
    /// Reads what is there. At most line_bytes_max of a line are kept.
    void read();
    /// The next whole line that was read.
    std::optional<std::string> line();
    bool ended() const { return ended_ && bytes_.empty(); }

private:
    static constexpr std::size_t line_bytes_max = 4096;

    int fd_;
    std::string bytes_;
    bool ended_ = false;
};

}  // namespace poise::app
