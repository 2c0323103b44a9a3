// For TEST_CASE_TEMPLATE: each of the loop's ways to hear of its descriptors.
#pragma once

#include "base/events.hpp"

namespace poise {

struct ByEpoll {
    static constexpr IoKind kind = IoKind::epoll;
};
struct ByRing {
    static constexpr IoKind kind = IoKind::io_uring;
};

}  // namespace poise
