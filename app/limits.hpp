// What the kernel and the machine give this process.
#pragma once

#include "base/events.hpp"
#include "config/model.hpp"
#include "config/units.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace poise::app {

/// Raises the limit of open files to the hard limit; returns the limit in force.
std::size_t raise_file_limit();

/// Client connections for each worker: `wanted` in all (0: what `files` allows, for each client
/// connection may need one to a server too), at least a few.
std::size_t connections_max_per_worker(std::uint32_t wanted, std::size_t files, unsigned workers);

/// `wanted`, or the cores this process may run on; at least 1, at most `workers_max`.
unsigned worker_count(int wanted);

/// What `wanted` comes to here. The error says why io_uring cannot be had, and what to write.
struct IoChoice {
    IoKind kind = IoKind::epoll;
    std::string why_not_io_uring;  // with `auto`: what forbids it; empty: nothing
};
std::expected<IoChoice, config::Problem> choose_io(config::IoEngine wanted);

/// A bit a worker must fit into Service::waiting_workers.
constexpr unsigned workers_max = 64;

}  // namespace poise::app
