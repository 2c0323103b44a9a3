#include "proxy/client_spread.hpp"

#include "proxy/worker.hpp"

#include <unistd.h>
#include <utility>

namespace poise::proxy {

ArrivingClient::ArrivingClient(int fd, const Address& from,
                               std::shared_ptr<const Generation> accepted_in,
                               std::size_t of_service, std::size_t of_listen)
    : peer(from),
      generation(std::move(accepted_in)),
      service(of_service),
      listen(of_listen),
      fd_(fd) {}

ArrivingClient::~ArrivingClient() {
    if (fd_ >= 0) ::close(fd_);
}

int ArrivingClient::take_fd() {
    return std::exchange(fd_, -1);
}

bool ClientArrivals::announce() {
    if (state_.fetch_add(1, std::memory_order_relaxed) < most) return true;  // closed: far above
    came();
    return false;
}

Worker& choose_worker(Worker& self, std::span<Worker* const> workers) {
    if (workers.size() < 2) return self;
    const auto limit = self.shared().connections_max;
    const std::uint64_t own = self.load() + self.arrivals.count();
    Worker* least = &self;
    std::uint64_t fewest = own;
    for (Worker* worker : workers) {
        const auto arriving = worker->arrivals.count();
        const std::uint64_t load = worker->load() + arriving;
        if (load >= fewest || load >= limit || arriving >= ClientArrivals::most) continue;
        fewest = load;
        least = worker;
    }
    const bool hands = own >= limit || hands_over(own, fewest);
    return hands && least != &self && least->arrivals.announce() ? *least : self;
}

}  // namespace poise::proxy
