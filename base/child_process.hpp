// A program run for the operator (a health check, a hook), in a process group of its own, that
// leaves nothing behind: no zombie, no open descriptor, no child of its own.
#pragma once

#include "base/task.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace poise {

struct ProcessEnd {
    enum class How { exited, killed, timed_out, not_started };
    How how = How::not_started;
    int code = 0;            // exit code, signal, or errno with not_started
    std::string first_line;  // of its output, standard and error; at most output_bytes_max
};

constexpr std::size_t output_bytes_max = 200;

/// Runs `arguments` (the first is the program's path) until it ends. After `limit` its whole
/// group is killed; so is what is left of the group when it ends by itself, or when the awaiting
/// coroutine is cancelled.
/// `environment`: rows "NAME=value" that it gets besides ours.
Task<ProcessEnd> run_process(std::vector<std::string> arguments, std::chrono::milliseconds limit,
                             std::vector<std::string> environment = {});

}  // namespace poise
