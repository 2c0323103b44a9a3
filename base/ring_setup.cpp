#include "base/ring_setup.hpp"

#include <thread>

namespace poise {

namespace {

constexpr unsigned entries = 256;  // asked for between two calls; more make a call of their own
constexpr unsigned completions = 4096;  // the kernel keeps what is beyond for the next call

}  // namespace

int make_ring(io_uring& ring) {
    io_uring_params params{};
    params.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
                   IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = completions;
    int error = 0;
    // On a thread of its own: when a ring ends, the kernel interrupts calls of the thread that made
    // it.
    std::thread([&] { error = -io_uring_queue_init_params(entries, &ring, &params); }).join();
    return error;
}

int try_ring() {
    io_uring ring{};
    const int error = make_ring(ring);
    if (error == 0) io_uring_queue_exit(&ring);
    return error;
}

}  // namespace poise
