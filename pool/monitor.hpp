// Watches the real servers of all pools: health checks, agents, name resolution, slow start.
#pragma once

#include "base/task.hpp"
#include "config/model.hpp"
#include "pool/pool.hpp"
#include "pool/resolver.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace poise::tls {
class ClientContext;
}

namespace poise::pool {

/// A change of a server's state, for the log and the events list.
struct ServerEvent {
    std::string service, server;
    std::string text;  // "down: connect refused (3 of 3 checks failed)"
    bool bad = false;
};

/// Lives on the control thread, whose io_context runs plain Asio. Owns one coroutine a server
/// and kind of watch; each starts jittered so that checks do not march in step.
class Monitor {
public:
    using OnEvent = std::function<void(const ServerEvent&)>;  // on the control thread

    Monitor(boost::asio::any_io_executor executor, OnEvent on_event, ResolverOptions names = {});
    ~Monitor();  // asserts running() == 0: stop() and wait() first
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    /// Watches `pool` by the checks of `service`; replaces what it watched under that service's
    /// name. An unchanged server with an unchanged check goes on without a new start. `tls` is for
    /// checks of servers that speak TLS; it is the control thread's own.
    void watch(const config::Service& service, std::shared_ptr<const Pool> pool,
               const std::shared_ptr<tls::ClientContext>& tls = nullptr);
    void forget(const std::string& service_name);
    void stop();  // ends everything soon; the executor must run on until then

    std::size_t running() const;  // coroutines that have not ended yet
    /// True when all have ended within `limit`. To be awaited on the executor, after stop().
    Task<bool> wait(std::chrono::milliseconds limit);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace poise::pool
