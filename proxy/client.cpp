#include "proxy/client.hpp"

#include "base/tcp_stream.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::proxy {

Client::Client(Worker& on, std::unique_ptr<Stream> connection, std::size_t service,
               const Address& listens)
    : worker(on),
      stream(std::move(connection)),
      waiter(on.engine()),
      address(stream->peer()),
      dialled(listens.is_any() ? local_address(stream->fd()) : listens),
      in(on.buffers()),
      pinned(own_pinned_),
      listening_(listens),
      generation_(on.current()),
      service_(service) {
    worker_service().counters.connections.add();
    worker_service().counters.sessions.add();
}

Client::Client(Client& connection, std::unique_ptr<MessageStream> request)
    : worker(connection.worker),
      stream(std::move(request)),
      message(static_cast<MessageStream*>(stream.get())),
      waiter(worker.engine()),
      address(connection.address),
      dialled(connection.dialled),
      in(worker.buffers()),
      tls(connection.tls),
      certificate_fields(connection.certificate_fields),
      pinned(connection.pinned),
      connection_(&connection),
      listening_(connection.listening_),
      generation_(connection.generation_),
      service_(connection.service_) {
    ++connection.requests_running;
}

Client::~Client() {
    if (connection_ != nullptr) {
        stream.reset();
        --connection_->requests_running;
        connection_->waiter.wake();  // it may wait for its last request
        return;
    }
    worker_service().counters.sessions.subtract();
    worker.end_session();
}

bool Client::follow_reload() {
    if (generation_ == worker.current()) return true;
    const auto service = worker.service_at(listening_);
    if (!service) return false;
    worker_service().counters.sessions.subtract();
    generation_ = worker.current();
    service_ = *service;
    worker_service().counters.sessions.add();
    return true;
}

std::size_t Client::listen_index() const {
    const auto& listens = worker_service().service.configured.listen;
    const auto found = std::ranges::find(listens, listening_, &config::Listen::address);
    assert(found != listens.end());
    return static_cast<std::size_t>(found - listens.begin());
}

bool Client::is_leaving() const {
    if (worker.draining()) return true;
    return generation_ != worker.current() && !worker.service_at(listening_);
}

bool Client::may_speak_http2() const {
    if (message != nullptr || tls) return false;  // TLS has settled it in its handshake
    for (const auto& listen : worker_service().service.configured.listen)
        if (listen.address == listening_)
            return std::ranges::find(listen.alpn, config::Alpn::h2) != listen.alpn.end();
    return false;
}

}  // namespace poise::proxy
