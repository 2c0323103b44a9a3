#include "proxy/udp_listeners.hpp"

#include "proxy/datagram_batch.hpp"
#include "proxy/udp_listener.hpp"

#include <algorithm>
#include <cassert>

namespace poise::proxy {

UdpListeners::UdpListeners(Worker& worker) : worker_(worker) {}

UdpListeners::~UdpListeners() {
    assert(all_.empty());
}

void UdpListeners::adopt(std::span<const Worker::NewSocket> sockets) {
    for (UdpListener* listener : all_) {
        if (listener->closing()) continue;
        if (const auto service = worker_.service_at(listener->address(), config::Transport::udp))
            listener->serve(*service);
        else
            listener->close_soon();
    }
    for (const auto& socket : sockets)
        if (socket.transport == config::Transport::udp) start(socket.address, socket.fd);
}

void UdpListeners::start(const Address& address, int fd) {
    const auto service = worker_.service_at(address, config::Transport::udp);
    assert(service);
    if (!batch_) batch_ = std::make_unique<DatagramBatch>();
    UdpListener* predecessor = nullptr;  // the last one there, if it went only just now
    for (UdpListener* one : all_)
        if (one->address() == address) predecessor = one;
    auto* listener = new UdpListener(worker_, *this, address, fd, *batch_);
    if (predecessor != nullptr) listener->take_over(*predecessor);
    listener->serve(*service);
    worker_.engine().spawn(UdpListener::run, listener);
}

void UdpListeners::close_all() {
    for (UdpListener* listener : all_)
        listener->close_soon();
}

void UdpListeners::look_again() {
    for (UdpListener* listener : all_)
        listener->look_again();
}

}  // namespace poise::proxy
