// How a ring of io_uring is made.
#pragma once

#include <liburing.h>

namespace poise {

/// Makes `ring`, which is disabled: the thread that enables it is the one that may use it. 0, or an
/// errno; EINVAL says that the kernel is older than Linux 6.1.
int make_ring(io_uring& ring);

/// 0, or the errno of making a ring in this process.
int try_ring();

}  // namespace poise
