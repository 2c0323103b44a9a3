#include "proxy/client.hpp"

#include "base/tcp_stream.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::proxy {

// Each idle client has one.
static_assert(sizeof(Client) <= 248);

Client::Client(Worker& on, std::unique_ptr<Stream> connection,
               std::shared_ptr<WorkerGeneration> generation, std::size_t service,
               std::size_t listen)
    : worker(on),
      stream(std::move(connection)),
      waiter(on.engine()),
      in(on.buffers()),
      address(stream->peer()),
      service_(static_cast<std::uint32_t>(service)),
      listen_(static_cast<std::uint32_t>(listen)),
      generation_(std::move(generation)) {
    const Address& listens = listening().address;
    dialled = listens.is_any() ? local_address(stream->fd()) : listens;
    worker_service().counters.connections.add();
    worker_service().counters.sessions.add();
}

Client::Client(Client& connection, std::unique_ptr<MessageStream> request)
    : worker(connection.worker),
      stream(std::move(request)),
      waiter(worker.engine()),
      in(worker.buffers()),
      address(connection.address),
      dialled(connection.dialled),
      tls(connection.tls),
      service_(connection.service_),
      listen_(connection.listen_),
      generation_(connection.generation_),
      connection_(&connection) {
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
    const Address listens = listening().address;
    const auto service = worker.service_at(listens);
    if (!service) return false;
    worker_service().counters.sessions.subtract();
    generation_ = worker.current();
    service_ = static_cast<std::uint32_t>(*service);
    const auto& now = worker_service().service.configured.listen;
    const auto found = std::ranges::find(now, listens, &config::Listen::address);
    assert(found != now.end());
    listen_ = static_cast<std::uint32_t>(found - now.begin());
    worker_service().counters.sessions.add();
    return true;
}

const config::Listen& Client::listening() const {
    return worker_service().service.configured.listen.at(listen_);
}

std::string_view Client::certificate_fields() const {
    const auto& fields = (connection_ != nullptr ? *connection_ : *this).certificate_fields_;
    return fields ? std::string_view(*fields) : std::string_view();
}

void Client::set_certificate_fields(std::string fields) {
    certificate_fields_ = std::make_unique<const std::string>(std::move(fields));
}

bool Client::is_leaving() const {
    if (worker.draining()) return true;
    return generation_ != worker.current() && !worker.service_at(listening().address);
}

bool Client::may_speak_http2() const {
    if (message() != nullptr || tls) return false;  // TLS has settled it in its handshake
    const auto& protocols = listening().alpn;
    return std::ranges::find(protocols, config::Alpn::h2) != protocols.end();
}

}  // namespace poise::proxy
