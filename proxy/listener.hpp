// A listening socket of one worker: accepts, and starts the session that the service speaks.
#pragma once

#include "base/address.hpp"
#include "base/pollable.hpp"
#include "base/task.hpp"
#include "base/waiter.hpp"
#include "config/model.hpp"

#include <cstddef>
#include <string>

namespace poise::proxy {

class Worker;

/// What the operator is told when listening on `address` fails with `error` (an errno).
std::string listen_error(const Address& address, config::Transport transport, int error);

/// Lives until its worker closes it; its accept loop ends with it.
class Listener final : public Pollable {
public:
    Listener(Worker& worker, const Address& address, int fd);

    const Address& address() const { return address_; }

    /// The service of the current generation, and what comes first: a PROXY header, TLS.
    void serve(std::size_t service, const config::Listen& listen) {
        service_ = service;
        proxy_protocol_ = listen.proxy_protocol;
        tls_ = listen.tls.enabled;
    }

    /// Entry coroutine: accepts until `listener` is closed with close_soon.
    static Task<void> run(Listener* listener);

    /// The accept loop takes what has been queued, ends, and deletes the listener.
    void close_soon();

private:
    bool accept_some();  // false: out of descriptors; pause
    void accept_rest();
    void start_session(int fd, const Address& peer);

    Worker& worker_;
    Address address_;
    std::size_t service_ = 0;
    Waiter* sleeper_ = nullptr;
    bool proxy_protocol_ = false;
    bool tls_ = false;
    bool closing_ = false;
};

}  // namespace poise::proxy
