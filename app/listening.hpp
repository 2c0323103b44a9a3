// Opens the listening sockets of a configuration, all or none, before anything serves.
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"

#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace poise::app {

struct ListeningPlace {
    std::string service;
    Address address;
    config::Transport transport = config::Transport::tcp;
    bool floating = false;  // no interface needs to have it now
};

/// Adds the addresses of `service`.
void add_places(const config::Service& service, std::vector<ListeningPlace>& places);

/// Every address of `config`, in its order.
std::vector<ListeningPlace> listening_places(const config::Config& config);

/// Open descriptors, closed with it unless taken out.
class ListeningSockets {
public:
    struct Socket {
        Address address;
        int fd = -1;
        config::Transport transport = config::Transport::tcp;
    };

    explicit ListeningSockets(unsigned workers) : by_worker_(workers) {}
    ListeningSockets(ListeningSockets&&) noexcept = default;
    ListeningSockets& operator=(ListeningSockets&&) = delete;
    ~ListeningSockets();

    void add(unsigned worker, const Socket& socket) { by_worker_[worker].push_back(socket); }
    /// The caller owns the descriptors from now on.
    std::vector<Socket> take(unsigned worker) { return std::exchange(by_worker_[worker], {}); }

private:
    std::vector<std::vector<Socket>> by_worker_;
};

/// Binds for a moment, without listening: 0, or the error. `shared`: beside sockets of this user
/// that share the port too (SO_REUSEPORT), as those of another Poise do.
int bind_error(const Address& address, config::Transport transport, bool shared);

/// One socket per address and worker for each place whose address and transport are not in `held`.
/// The error names the service and the address; then nothing stays open. An address on which
/// another process listens is an error also when that process would share it (SO_REUSEPORT).
/// On `ending` sockets of our own may still be open, for the last clients of what a reload removed.
std::expected<ListeningSockets, std::string> open_listening_sockets(
    std::span<const ListeningPlace> all_places, unsigned workers,
    std::span<const ListeningPlace> held, std::span<const ListeningPlace> ending = {});

}  // namespace poise::app
