#include "base/stream.hpp"

#include <cassert>
#include <cerrno>

namespace poise {

IoResult Stream::try_read(Pipe&, std::size_t) {
    assert(splices());
    return {Io::failed, ENOTSUP};
}

IoResult Stream::try_write(Pipe&) {
    assert(splices());
    return {Io::failed, ENOTSUP};
}

}  // namespace poise
