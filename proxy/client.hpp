// A client's connection as its session knows it: what lives as long as the connection does.
#pragma once

#include "base/stream.hpp"
#include "base/waiter.hpp"
#include "pool/real_server.hpp"
#include "proxy/buffer.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/worker.hpp"

#include <cstdint>
#include <memory>

namespace poise::proxy {

/// A server's connection that belongs to this client alone: after NTLM or Negotiate, which
/// authenticate a connection, or when a PROXY header on it names the client.
struct PinnedUpstream {
    std::unique_ptr<Stream> stream;
    pool::RealServer* server = nullptr;  // kept alive by `generation`
    const Service* service = nullptr;
    std::shared_ptr<WorkerGeneration> generation;
};

/// What a listener hands to a session.
struct Accepted {
    std::unique_ptr<Stream> stream;
    std::shared_ptr<WorkerGeneration> generation;
    std::size_t service = 0;  // index in the generation
    Address client;           // the peer's, or the one its PROXY header names
    Address dialled;          // the address the client connected to
    Address listening;        // the listener's: finds the service again after a reload
    Buffer received;          // bytes that came behind a PROXY header
};

/// The state of one connection, on one worker. Small: thousands of them idle.
struct Client {
    Client(Worker& on, Accepted accepted)
        : worker(on),
          stream(std::move(accepted.stream)),
          waiter(on.engine()),
          generation(std::move(accepted.generation)),
          service(accepted.service),
          address(accepted.client),
          dialled(accepted.dialled),
          listening(accepted.listening),
          in(std::move(accepted.received)) {}

    WorkerService& worker_service() const { return *generation->services[service]; }

    Worker& worker;
    std::unique_ptr<Stream> stream;
    Waiter waiter;
    std::shared_ptr<WorkerGeneration> generation;
    std::size_t service;
    Address address;
    Address dialled;
    Address listening;
    Buffer in;                               // what came and is not used up
    std::unique_ptr<PinnedUpstream> pinned;  // null: none
    std::uint64_t requests = 0;
};

}  // namespace poise::proxy
