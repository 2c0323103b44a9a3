// What one worker thread has: its loop, listeners, buffers, idle connections and its view of the
// generation in force. Sessions live and die on one worker.
#pragma once

#include "base/counter.hpp"
#include "base/engine.hpp"
#include "base/log_writer.hpp"
#include "base/spares.hpp"
#include "config/model.hpp"
#include "pool/pool.hpp"
#include "pool/upstream_connections.hpp"
#include "proxy/buffer.hpp"
#include "proxy/client_spread.hpp"
#include "proxy/http2_memory.hpp"
#include "proxy/http2_upstreams.hpp"
#include "proxy/incidents.hpp"
#include "proxy/request_id.hpp"
#include "proxy/service.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::tls {
class Library;
}  // namespace poise::tls

namespace poise::proxy {

class Exchange;
class Listener;
class UdpListeners;
class Worker;
struct RequestRunner;

/// A service as one worker sees it.
struct WorkerService {
    WorkerService(const Service& shared, unsigned worker)
        : service(shared), picker(shared.pool, worker), counters(*shared.counters[worker]) {}

    const Service& service;
    pool::Picker picker;
    ServiceCounters& counters;
    /// Removed by a reload, or Poise stops: when its own `timeouts.drain` is over.
    std::optional<Engine::Clock::time_point> ends_at;
    bool ended = false;  // that time has come: every session of it ends now
};

/// A generation as one worker sees it. Sessions share it; it ends with the last of them.
struct WorkerGeneration {
    WorkerGeneration(std::shared_ptr<const Generation> shared, unsigned worker);

    std::shared_ptr<const Generation> generation;
    std::vector<std::unique_ptr<WorkerService>> services;  // by Service::index
};

/// What is the same for all workers and outlives them.
struct WorkerShared {
    IoKind io = IoKind::epoll;
    Incidents* incidents = nullptr;
    LogWriter* access_log = nullptr;  // null: off
    config::LogFormat access_format = config::LogFormat::text;
    std::size_t connections_max = 10'000;                    // client connections a worker
    std::function<void(const std::string& line)> log_error;  // any thread; rare
    std::vector<Worker*> workers;  // by worker index; filled before the first run
};

/// Everything but the constructor, post() and counters runs on the worker's own thread.
class Worker {
public:
    Worker(unsigned index, const WorkerShared& shared);
    ~Worker();  // run() has returned
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs the loop until drain_and_stop() has ended or stop_now() was called. Call it on the
    /// worker's thread.
    void run();

    /// Any thread: `generation` becomes the current one. Listening sockets of addresses that are
    /// in both stay; new ones come from `sockets`, (address, bound and listening descriptor),
    /// which are taken over; those no longer named are closed after their queue was accepted.
    /// A connection to an address belongs to the service that listens there now.
    struct NewSocket {
        Address address;
        int fd = -1;
        config::Transport transport = config::Transport::tcp;
    };
    void adopt(std::shared_ptr<const Generation> generation, std::vector<NewSocket> sockets);

    /// Any thread: every session looks at its server again, for one was halted or went down.
    void servers_lost();
    /// Any thread: who waits for a server looks again, for one serves again or takes more.
    void servers_won();

    /// Any thread: closes the listeners, lets requests end (keep-alive connections close), and
    /// ends run() when all is done or after `limit`.
    void drain_and_stop(std::chrono::milliseconds limit);
    void stop_now();  // any thread

    Engine& engine() { return engine_; }
    unsigned index() const { return index_; }

    // For sessions.
    const std::shared_ptr<WorkerGeneration>& current() const { return current_; }
    /// The index of the service that listens on `address` in the current generation.
    std::optional<std::size_t> service_at(
        const Address& address, config::Transport transport = config::Transport::tcp) const;
    bool draining() const { return draining_; }
    const WorkerShared& shared() const { return shared_; }
    BufferPool& buffers() { return buffers_; }
    Http2Memory& http2_memory() { return http2_memory_; }
    pool::UpstreamConnections& connections() { return connections_; }
    Http2Upstreams& http2_upstreams() { return http2_upstreams_; }
    RequestIds& ids() { return ids_; }
    LogQueue* access_log() const { return access_log_; }
    std::uint64_t clients() const { return sessions.value() + udp_sessions.value(); }  // any thread
    /// What counts against the limit of client connections; a UDP session is half of one. Any
    /// thread.
    std::uint64_t load() const { return sessions.value() + (udp_sessions.value() + 1) / 2; }

    std::unique_ptr<Exchange> take_exchange();
    void give_back(std::unique_ptr<Exchange> exchange);

    /// Coroutines that wait for a request of HTTP/2; theirs and http2_session's.
    std::vector<RequestRunner*> idle_runners;

    /// A session began or ended; begin answers false when the limit is reached.
    bool begin_session();
    void end_session();
    /// The same for a UDP session: a client and one descriptor, where a connection has up to two.
    bool begin_udp_session();
    void end_udp_session() { udp_sessions.subtract(); }

    /// Starts the session that a client's service speaks, or closes `fd` when the limit is reached.
    void start_client(int fd, const Address& peer, std::shared_ptr<WorkerGeneration> generation,
                      std::size_t service, std::size_t listen);
    /// Any thread, after arrivals.announce(): the same for a client that another worker has
    /// accepted.
    void take_client(std::shared_ptr<ArrivingClient> client);

    /// Which of the workers whose bits are set in `mask` (not 0) has its turn now: each in turn.
    unsigned next_turn(std::uint64_t mask);

    // Read by any thread.
    Counter sessions;      // client connections open now
    Counter udp_sessions;  // clients that sent datagrams, now
    Counter accept_errors;
    Counter refused_connections;  // over the limit

    alignas(64) ClientArrivals arrivals;  // what others write

private:
    friend class Listener;
    void adopt_here(std::shared_ptr<const Generation> generation, std::vector<NewSocket> sockets);
    static Task<void> keep_house(Worker* worker);
    static Task<void> admit(Worker* worker, std::shared_ptr<ArrivingClient> client);
    std::shared_ptr<WorkerGeneration> view_of(const std::shared_ptr<const Generation>& generation);
    void keep_current_connections();
    void end_removed_services();
    bool end_overdue_services();
    bool call_all_lines();
    std::size_t listen_at(std::size_t service, const Address& address) const;
    template <typename Visit>
    void for_each_service(Visit visit);  // of every generation that lives

    const unsigned index_;
    const WorkerShared& shared_;
    std::shared_ptr<tls::Library> tls_library_;  // outlives every stream of this worker
    Engine engine_;
    BufferPool buffers_;
    Http2Memory http2_memory_;
    pool::UpstreamConnections connections_;
    Http2Upstreams http2_upstreams_;
    RequestIds ids_;
    LogQueue* access_log_ = nullptr;
    std::shared_ptr<WorkerGeneration> current_;
    std::vector<std::weak_ptr<WorkerGeneration>> past_;  // those that sessions may still hold
    std::vector<Listener*> listeners_;                   // each is owned by its accept loop
    std::unique_ptr<UdpListeners> udp_;
    Spares<std::unique_ptr<Exchange>> spare_exchanges_;
    unsigned turn_ = 0;  // of next_turn
    bool draining_ = false;
    Engine::Clock::time_point drain_ends_;
};

/// Binds and listens with SO_REUSEPORT. `[::]` takes IPv4 too. The error is a sentence with the
/// cure ("cannot listen on [::]:80: permission denied; ...").
/// `floating`: no interface needs to have the address now, for the other node of the pair may.
std::expected<int, std::string> open_listening_socket(const Address& address,
                                                      bool floating = false);

}  // namespace poise::proxy
