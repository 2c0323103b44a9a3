#include "proxy/parked_client.hpp"

#include "base/engine.hpp"
#include "proxy/http1_session.hpp"

#include <cassert>
#include <utility>

namespace poise::proxy {

namespace {

void watch(std::unique_ptr<Client> client);

// Called once by the engine, also when it is cancelled, and owns the client from then on.
struct Unpark {
    Client* parked;

    void operator()(Wake why) const {
        std::unique_ptr<Client> client(parked);
        Worker& worker = client->worker;
        if (why != Wake::ready) return;
        if (client->stream->readable() || client->pinned().lost())
            worker.engine().spawn(run_http1_session, std::move(client));
        else if (!client->is_leaving() && client->follow_reload())
            watch(std::move(client));  // woken for something that does not concern it
    }
};

void watch(std::unique_ptr<Client> client) {
    Client& parked = *client.release();
    parked.stream->want(parked.waiter, Direction::read);
    parked.pinned().watch(parked.waiter);
    parked.waiter.sleep_then(Unpark{&parked});
}

}  // namespace

void park(std::unique_ptr<Client> client, std::chrono::milliseconds limit) {
    assert(client->in.empty());
    client->waiter.expires_after(limit);
    watch(std::move(client));
}

}  // namespace poise::proxy
