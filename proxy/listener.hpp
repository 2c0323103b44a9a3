// A listening socket of one worker: accepts, and hands clients to the worker that serves them.
#pragma once

#include "base/address.hpp"
#include "base/pollable.hpp"
#include "base/task.hpp"
#include "base/waiter.hpp"
#include "config/model.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace poise::proxy {

class Worker;
struct WorkerGeneration;

/// What the operator is told when listening on `address` fails with `error` (an errno).
std::string listen_error(const Address& address, config::Transport transport, int error);

/// Lives until its worker closes it; its accept loop ends with it.
class Listener final : public Pollable {
public:
    Listener(Worker& worker, const Address& address, int fd);

    const Address& address() const { return address_; }

    /// From now on clients are of the `listen`th listener of `service` in `generation`, until
    /// another one is named: one that closes serves the generation that still had it.
    void serve(std::shared_ptr<WorkerGeneration> generation, std::size_t service,
               std::size_t listen);

    /// Entry coroutine: accepts until `listener` is closed with close_soon.
    static Task<void> run(Listener* listener);

    /// The accept loop takes what has been queued, ends, and deletes the listener.
    void close_soon();

private:
    bool accept_some();  // false: out of descriptors; pause
    void accept_rest();
    void give_to_worker(int fd, const Address& peer);

    Worker& worker_;
    Address address_;
    std::shared_ptr<WorkerGeneration> generation_;
    std::size_t service_ = 0;
    std::size_t listen_ = 0;
    Waiter* sleeper_ = nullptr;
    bool closing_ = false;
};

}  // namespace poise::proxy
