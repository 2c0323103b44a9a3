#include "proxy/client_spread.hpp"

#include "proxy/worker.hpp"

namespace poise::proxy {

bool ClientArrivals::announce() {
    if (arriving_.fetch_add(1, std::memory_order_relaxed) < arriving_max) return true;
    came();
    return false;
}

Worker& choose_worker(Worker& self, std::span<Worker* const> workers) {
    if (workers.size() < 2) return self;
    const auto clients_of = [](const Worker& worker) {
        return worker.sessions.value() + worker.arrivals.arriving();
    };
    Worker* least = &self;
    std::uint64_t fewest = clients_of(self);
    const std::uint64_t own = fewest;
    for (Worker* worker : workers) {
        const auto clients = clients_of(*worker);
        if (clients >= fewest) continue;
        fewest = clients;
        least = worker;
    }
    const auto most = self.shared().connections_max;
    const bool full = own >= most && fewest < most;
    return (full || hands_over(own, fewest)) && least->arrivals.announce() ? *least : self;
}

}  // namespace poise::proxy
