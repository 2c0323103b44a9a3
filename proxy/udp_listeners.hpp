// The UDP sockets of one worker, and the memory that they receive into.
#pragma once

#include "proxy/worker.hpp"

#include <memory>
#include <span>
#include <vector>

namespace poise::proxy {

class DatagramBatch;
class UdpListener;

/// Each listener is owned by its coroutine, which takes it off this list when it ends.
class UdpListeners {
public:
    explicit UdpListeners(Worker& worker);
    ~UdpListeners();  // all have ended
    UdpListeners(const UdpListeners&) = delete;
    UdpListeners& operator=(const UdpListeners&) = delete;

    /// The worker has another generation: starts a listener for each of `sockets` that is of UDP
    /// (and takes it over), tells the others their service, closes those that have none.
    void adopt(std::span<const Worker::NewSocket> sockets);
    /// Poise stops.
    void close_all();
    /// A server was halted or went down, or the time of a service is over.
    void look_again();

private:
    friend class UdpListener;
    void start(const Address& address, int fd);

    Worker& worker_;
    std::unique_ptr<DatagramBatch> batch_;  // made with the first listener
    std::vector<UdpListener*> all_;
};

}  // namespace poise::proxy
