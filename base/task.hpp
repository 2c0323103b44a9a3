// The coroutine type of the whole project.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace poise {

template <typename T>
using Task = boost::asio::awaitable<T>;

}  // namespace poise
