#include "base/events.hpp"

#include "base/epoll_events.hpp"
#include "base/ring.hpp"
#include "base/ring_setup.hpp"

#include <cerrno>
#include <cstring>

namespace poise {

const char* to_string(IoKind kind) {
    return kind == IoKind::io_uring ? "io_uring" : "epoll";
}

std::unique_ptr<Events> Events::make(IoKind kind, Engine& engine) {
    if (kind == IoKind::io_uring) return std::make_unique<Ring>(engine);
    return std::make_unique<EpollEvents>();
}

std::string io_uring_unavailable() {
    const int error = try_ring();
    if (error == 0) return {};
    if (error == ENOSYS) return "this kernel has no io_uring";
    if (error == EPERM || error == EACCES)
        return "io_uring is forbidden here (by the container's seccomp profile, or "
               "kernel.io_uring_disabled)";
    if (error == EINVAL) return "this kernel's io_uring is too old; it takes Linux 6.1";
    return std::string("io_uring: ") + std::strerror(error);
}

}  // namespace poise
