#include "proxy/worker.hpp"

#include "base/tcp_stream.hpp"
#include "proxy/client.hpp"
#include "proxy/exchange.hpp"
#include "proxy/listener.hpp"
#include "proxy/session.hpp"
#include "proxy/udp_listeners.hpp"
#include "tls/contexts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <unordered_set>
#include <utility>

namespace poise::proxy {

namespace {

constexpr std::size_t idle_connections_per_server = 1024;
constexpr std::size_t spare_exchanges_max = 256;
constexpr std::chrono::milliseconds housekeeping_interval{250};
constexpr std::chrono::milliseconds resting_interval{1'000};

}  // namespace

WorkerGeneration::WorkerGeneration(std::shared_ptr<const Generation> shared, unsigned worker)
    : generation(std::move(shared)) {
    services.reserve(generation->services.size());
    for (const auto& service : generation->services)
        services.push_back(std::make_unique<WorkerService>(*service, worker));
}

Worker::Worker(unsigned index, const WorkerShared& shared)
    : index_(index),
      shared_(shared),
      engine_(shared.io),
      connections_({idle_connections_per_server, shared.connections_max}),
      http2_upstreams_(engine_, buffers_, http2_memory_),
      ids_(RequestIds::random()),
      udp_(std::make_unique<UdpListeners>(*this)) {
    assert(index < 64);  // a bit each in ServerQueue::waiting_workers
    if (shared.access_log != nullptr) access_log_ = &shared.access_log->add_queue();
    engine_.on_exception = [this](const std::string& what) {
        if (shared_.log_error) shared_.log_error(fmt::format("a session ended by: {}", what));
    };
}

Worker::~Worker() = default;

void Worker::run() {
    engine_.spawn(keep_house, this);
    engine_.run();
    connections_.clear();
}

Task<void> Worker::keep_house(Worker* worker) {
    Waiter waiter(worker->engine_);
    bool at_rest = false;
    worker->engine_.on_end_of_rest = [&] {
        if (at_rest) waiter.wake();
    };
    for (;;) {
        waiter.expires_after(at_rest ? resting_interval : housekeeping_interval);
        if (co_await waiter.sleep() == Wake::cancelled) break;
        const auto now = worker->engine_.now();
        worker->connections_.sweep(now);
        worker->http2_memory_.sweep();
        worker->buffers_.sweep();
        worker->spare_exchanges_.sweep();
        worker->engine_.sweep();
        const bool services_end = worker->end_overdue_services();
        // For what opens a place and tells nobody, such as slow start.
        const bool somebody_waits = worker->call_all_lines();
        // Servers close connections that are idle, and these have limits.
        at_rest = worker->engine_.at_rest() && worker->connections_.size() == 0 && !services_end &&
                  !somebody_waits && !worker->draining_;
        if (!worker->draining_) continue;
        const bool all_gone = worker->clients() == 0 && worker->arrivals.count() == 0;
        if (all_gone || now >= worker->drain_ends_) worker->engine_.cancel_all();
    }
    worker->engine_.on_end_of_rest = nullptr;
}

template <typename Visit>
void Worker::for_each_service(Visit visit) {
    std::erase_if(past_, [](const auto& generation) { return generation.expired(); });
    for (const auto& known : past_)
        if (const auto generation = known.lock())
            for (const auto& service : generation->services)
                visit(*service);
    if (current_ == nullptr) return;
    for (const auto& service : current_->services)
        visit(*service);
}

// What is in the current generation by its name goes on in the others, too.
void Worker::end_removed_services() {
    std::unordered_set<std::string_view> names;
    for (const auto& service : current_->services)
        names.insert(service->service.configured.name);
    for_each_service([&](WorkerService& service) {
        if (draining_) return;
        if (names.contains(service.service.configured.name))
            service.ends_at.reset();
        else if (!service.ends_at)
            service.ends_at = engine_.now() + service.service.configured.timeouts.drain;
    });
}

// True: some are to end later.
bool Worker::end_overdue_services() {
    bool any = false;
    bool later = false;
    for_each_service([&](WorkerService& service) {
        if (service.ended || !service.ends_at) return;
        if (*service.ends_at > engine_.now())
            later = true;
        else
            service.ended = any = true;
    });
    if (any) {
        udp_->look_again();
        engine_.wake_all();
    }
    return later;
}

// True: somebody stands in one.
bool Worker::call_all_lines() {
    bool any = false;
    for (const auto& service : current_->services) {
        auto& line = service->service.queue->lines[index_];
        any = any || !line.empty();
        line.call_all();
    }
    return any;
}

void Worker::adopt(std::shared_ptr<const Generation> generation, std::vector<NewSocket> sockets) {
    engine_.post(
        [this, generation = std::move(generation), sockets = std::move(sockets)]() mutable {
            adopt_here(std::move(generation), std::move(sockets));
        });
}

void Worker::adopt_here(std::shared_ptr<const Generation> generation,
                        std::vector<NewSocket> sockets) {
    if (current_ != nullptr) past_.push_back(current_);
    current_ = std::make_shared<WorkerGeneration>(std::move(generation), index_);
    if (!current_->generation->tls.empty())
        tls_library_ = current_->generation->tls[index_]->shared_library();
    std::vector<Listener*> fresh;
    for (const auto& socket : sockets)
        if (socket.transport == config::Transport::tcp)
            fresh.push_back(new Listener(*this, socket.address, socket.fd));
    listeners_.insert(listeners_.end(), fresh.begin(), fresh.end());
    std::erase_if(listeners_, [&](Listener* listener) {
        const auto service = service_at(listener->address());
        if (!service) {
            assert(std::ranges::find(fresh, listener) == fresh.end());
            listener->close_soon();
            return true;
        }
        listener->serve(current_, *service, listen_at(*service, listener->address()));
        return false;
    });
    keep_current_connections();
    end_removed_services();
    udp_->adopt(sockets);
    call_all_lines();    // there may be more servers, or higher limits
    engine_.wake_all();  // idle clients go on with the new generation, or close
    // Last: each starts its first sessions at once.
    for (Listener* listener : fresh)
        engine_.spawn(Listener::run, listener);
}

void Worker::keep_current_connections() {
    std::vector<const pool::RealServer*> known;
    for (const auto& service : current_->services) {
        for (const auto& server : service->service.pool->servers())
            known.push_back(server.get());
        if (service->service.fallback_server)
            known.push_back(service->service.fallback_server.get());
    }
    connections_.serve(known);
    http2_upstreams_.serve(known);
}

std::optional<std::size_t> Worker::service_at(const Address& address,
                                              config::Transport transport) const {
    for (const auto& service : current_->services) {
        const config::Service& configured = service->service.configured;
        if (configured.mode != config::Mode::snat) continue;  // layer 4 takes its packets
        if (transport_of(configured.protocol) != transport) continue;
        for (const auto& listen : configured.listen)
            if (listen.address == address) return service->service.index;
    }
    return std::nullopt;
}

std::size_t Worker::listen_at(std::size_t service, const Address& address) const {
    const auto& listens = current_->services[service]->service.configured.listen;
    const auto found = std::ranges::find(listens, address, &config::Listen::address);
    assert(found != listens.end());
    return static_cast<std::size_t>(found - listens.begin());
}

void Worker::start_client(int fd, const Address& peer, std::shared_ptr<WorkerGeneration> generation,
                          std::size_t service, std::size_t listen) {
    if (!begin_session()) {
        refused_connections.add();
        ::close(fd);
        return;
    }
    std::unique_ptr<TcpStream> stream;
    try {
        stream = std::make_unique<TcpStream>(engine_, fd, Direction::both);
    } catch (const std::system_error&) {  // fd is closed; who accepts goes on
        accept_errors.add();
        end_session();
        return;
    }
    stream->set_peer(peer);
    auto client =
        std::make_unique<Client>(*this, std::move(stream), std::move(generation), service, listen);
    const auto& configured = client->worker_service().service.configured;
    const auto& comes_by = configured.listen.at(listen);
    if (comes_by.proxy_protocol)  // it comes first
        engine_.spawn(run_proxied_session, std::move(client));
    else if (comes_by.tls.enabled)
        engine_.spawn(run_tls_session, std::move(client));
    else if (configured.protocol == config::Protocol::http)
        engine_.spawn(run_http1_session, std::move(client));
    else
        engine_.spawn(run_tcp_session, std::move(client));
}

void Worker::take_client(std::shared_ptr<ArrivingClient> client) {
    engine_.post([this, client = std::move(client)] {
        arrivals.came();
        engine_.spawn(admit, this, client);
    });
}

Task<void> Worker::admit(Worker* worker, std::shared_ptr<ArrivingClient> client) {
    auto generation = worker->view_of(client->generation);
    worker->start_client(client->take_fd(), client->peer, std::move(generation), client->service,
                         client->listen);
    co_return;
}

// Workers adopt one after the other: what another one serves by may be new here, or gone already.
std::shared_ptr<WorkerGeneration> Worker::view_of(
    const std::shared_ptr<const Generation>& generation) {
    if (current_->generation == generation) return current_;
    for (const auto& known : past_)
        if (auto view = known.lock(); view != nullptr && view->generation == generation)
            return view;
    auto view = std::make_shared<WorkerGeneration>(generation, index_);
    past_.push_back(view);
    end_removed_services();
    return view;
}

void Worker::servers_lost() {
    engine_.post([this] {
        udp_->look_again();
        engine_.wake_all();
    });
}

void Worker::servers_won() {
    engine_.post([this] { call_all_lines(); });
}

void Worker::drain_and_stop(std::chrono::milliseconds limit) {
    engine_.post([this, limit] {
        draining_ = true;
        arrivals.close();
        drain_ends_ = engine_.now() + limit;
        for_each_service([this](WorkerService& service) {
            const auto end = engine_.now() + service.service.configured.timeouts.drain;
            service.ends_at = service.ends_at ? std::min(*service.ends_at, end) : end;
        });
        for (Listener* listener : listeners_)
            listener->close_soon();
        listeners_.clear();
        udp_->close_all();
        engine_.wake_all();  // idle clients see it and close; the housekeeper counts the rest
    });
}

void Worker::stop_now() {
    engine_.post([this] {
        draining_ = true;
        engine_.cancel_all();
    });
}

std::unique_ptr<Exchange> Worker::take_exchange() {
    if (spare_exchanges_.empty()) return std::make_unique<Exchange>(buffers_);
    return spare_exchanges_.take();
}

void Worker::give_back(std::unique_ptr<Exchange> exchange) {
    if (spare_exchanges_.size() < spare_exchanges_max) spare_exchanges_.put(std::move(exchange));
}

bool Worker::begin_session() {
    if (load() >= shared_.connections_max) return false;
    sessions.add();
    return true;
}

// Two of them hold what a connection and the one to its server hold. So a flood of them takes at
// most half of the descriptors, and connections the rest.
bool Worker::begin_udp_session() {
    const auto limit = shared_.connections_max;
    if (udp_sessions.value() >= limit || load() >= limit) return false;
    udp_sessions.add();
    return true;
}

void Worker::end_session() {
    sessions.subtract();
}

unsigned Worker::next_turn(std::uint64_t mask) {
    assert(mask != 0);
    const std::uint64_t later = turn_ >= 64 ? 0 : mask >> turn_ << turn_;
    const auto next = static_cast<unsigned>(std::countr_zero(later != 0 ? later : mask));
    turn_ = next + 1;
    return next;
}

}  // namespace poise::proxy
