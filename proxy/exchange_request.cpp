// The first half of an exchange: the request's head, its service, its limits.
#include "proxy/exchange.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/head_writer.hpp"
#include "proxy/http2_head.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::proxy {

namespace {

// Robust servers skip empty lines before a request line (RFC 9112 section 2.2).
void skip_empty_lines(Buffer& in) {
    while (in.view().starts_with("\r\n"))
        in.consume(2);
}

// What is a head to HTTP/1 (RFC 9113 section 3.4); the rest of the preface follows.
bool is_http2_preface(std::string_view bytes) {
    return bytes.starts_with("PRI * HTTP/2.0\r\n\r\n");
}

}  // namespace

void Exchange::begin(const Client& client) {
    effective_client_ = client.address;
    tls_ = client.tls;
    phases.began = client.worker.engine().now();
}

void Exchange::reset() {
    request_.clear();  // views into buffers that others use from now on
    response_.clear();
    up_.release();
    down_.release();
    interim_.release();
    received_.release();
    upstream.reset();
    use.end();
    loan.end();
    choice.clear();
    service = nullptr;
    timeouts = nullptr;
    phases = {};
    failure_ = {};
    attempts_ = {};
    head_bytes_ = head_scanned_ = response_scanned_ = 0;
    bytes_in = bytes_out = moved_before_ = 0;
    retries = status_ = 0;
    id_.clear();
    kept_head_.clear();
    upstream_message_ = nullptr;
    effective_client_ = {};
    framing_out_ = Framing::none;
    fields_sent_ = head_passed_ = reused = fresh_only = request_done_ = request_abandoned_ =
        retry_ = tunnel_ = false;
    upstream_spoiled_ = false;
    pins_ = keep_client_ = any_response_byte_ = waiting_for_head_ = false;
    receiving_ = Receiving::head;
}

void Exchange::keep_head(const Client& client) {
    if (client.message() != nullptr) return;  // the stream keeps it
    const auto& limits = client.worker_service().service.configured.limits;
    kept_head_ = client.in.view().substr(0, head_bytes_);
    [[maybe_unused]] const auto refusal =
        parse_request_head(kept_head_, {limits.header_fields, limits.request_line_bytes}, request_);
    assert(!refusal);  // it was parsed before
}

bool Exchange::refuse(Reason reason, Phase phase, std::size_t offset) {
    failure_ = {reason, phase, offset, 0};
    return false;
}

Exchange::HeadState Exchange::read_head(Client& client) {
    const auto& limits = client.worker_service().service.configured.limits;
    for (;;) {
        skip_empty_lines(client.in);
        const auto bytes = client.in.view();
        if (bytes.size() > head_scanned_) {
            const std::size_t length = head_length(bytes, head_scanned_);
            if (length > limits.header_bytes ||
                (length == 0 && bytes.size() >= limits.header_bytes)) {
                const bool in_target = bytes.find(' ') != std::string_view::npos &&
                                       bytes.find('\n') == std::string_view::npos;
                refuse(in_target ? Reason::request_line_too_long : Reason::head_too_long,
                       Phase::request_head, limits.header_bytes);
                return HeadState::refused;
            }
            if (length > 0 && is_http2_preface(bytes) && !client.asked && client.may_speak_http2())
                return HeadState::http2;
            if (length > 0)
                return parse_head(client, length) ? HeadState::whole : HeadState::refused;
            head_scanned_ = bytes.size();
        }
        if (client.in.space().empty() && !client.in.make_room()) {
            refuse(Reason::head_too_long, Phase::request_head, bytes.size());
            return HeadState::refused;
        }
        const auto read = client.stream->try_read(client.in.space());
        if (read.state == Io::would_block) return HeadState::needs_more;
        if (!read.ok()) return HeadState::client_gone;
        bytes_in += read.bytes;
        client.in.commit(read.bytes);
    }
}

bool Exchange::parse_head(Client& client, std::size_t length) {
    const auto& limits = client.worker_service().service.configured.limits;
    head_bytes_ = length;
    phases.began = client.worker.engine().now();
    const auto refusal =
        parse_request_head(client.in.view().substr(0, length),
                           {limits.header_fields, limits.request_line_bytes}, request_);
    if (refusal) {
        request_.clear();  // what it holds may be half of something
        return refuse(refusal->reason, Phase::request_head, refusal->offset);
    }
    note_credentials();
    return true;
}

bool Exchange::take_head(Client& client) {
    const auto& limits = client.worker_service().service.configured.limits;
    FieldBlock& block = *client.message()->head();
    bytes_in += block.bytes().size();
    phases.began = client.worker.engine().now();
    const auto refusal =
        read_request_fields(block, {limits.header_fields, limits.request_line_bytes}, request_);
    if (refusal) {
        request_.clear();
        return refuse(refusal->reason, Phase::request_head, refusal->offset);
    }
    note_credentials();
    return true;
}

void Exchange::note_credentials() {
    for (const Field& field : request_.fields) {
        if (field.id == FieldId::authorization || field.id == FieldId::proxy_authorization)
            pins_ = pins_ || authenticates_connection(field.value);
    }
}

void Exchange::take_request_id(Client& client) {
    const Service& first = client.worker_service().service;
    const Forwarder forwarder(first.configured.forwarded, first.configured.trusted_proxies,
                              client.address, tls_);
    effective_client_ = forwarder.effective_client(request_);
    if (const auto given = incoming_request_id(request_, forwarder.peer_trusted()); !given.empty())
        id_ = given;
}

bool Exchange::route(Client& client) {
    WorkerService& first = client.worker_service();
    take_request_id(client);
    ensure_request_id(client);
    service = &first;
    timeouts = &first.service.configured.timeouts;
    if (!first.service.router.rules().empty()) {
        if (const auto* rule = first.service.router.match(request_, effective_client_)) {
            service = client.generation()->services[first.service.rule_services[rule->index]].get();
            timeouts = rule->timeouts ? &*rule->timeouts : &service->service.configured.timeouts;
        }
    }
    if (first.service.configured.redirect_http && !tls_ && request_.authority.empty())
        return refuse(Reason::missing_host, Phase::routing);
    if (first.service.configured.redirect_http && !tls_)
        return fail({Reason::https_required, Phase::routing}), false;
    const auto body_max = service->service.configured.limits.body_bytes;
    if (body_max != 0 && request_.framing == Framing::length && request_.content_length > body_max)
        return refuse(Reason::body_too_long, Phase::routing);
    return true;
}

std::string Exchange::https_location() const {
    constexpr std::uint16_t https_port = 443;
    const auto& listens = service->service.configured.listen;
    const auto with_tls =
        std::ranges::find_if(listens, [](const auto& listen) { return listen.tls.enabled; });
    std::string_view host = request_.authority;
    const auto colon = host.rfind(':');
    const bool has_port = colon != host.npos && host.find(']', colon) == host.npos;
    if (has_port) host = host.substr(0, colon);
    std::string location = "https://";
    location += host;
    if (with_tls != listens.end() && with_tls->address.port != https_port)
        location += ':' + std::to_string(with_tls->address.port);
    location += request_.path;
    return location;
}

void Exchange::ensure_request_id(Client& client) {
    if (id_.empty()) id_ = client.worker.ids().next().view();
}

void Exchange::begin_attempt(Client& client, std::unique_ptr<Stream> stream, bool was_reused) {
    assert(stream != nullptr);
    const config::Service& configured = service->service.configured;
    attempts_.sent = reached_server();
    note_attempt();
    upstream = std::move(stream);
    reused = was_reused;
    failure_ = {};
    moved_before_ = 0;  // the first wait sets a deadline of its own
    receiving_ = Receiving::head;
    request_done_ = request_abandoned_ = retry_ = any_response_byte_ = waiting_for_head_ = false;
    response_scanned_ = 0;
    received_.release();
    phases.connected = client.worker.engine().now();
    phases.sent.reset();
    fields_sent_ = false;
    upstream_message_ = MessageStream::of(*upstream);
    BodyPump::Message message;
    message.framing = message.framing_out = request_.framing;
    message.length = request_.content_length;
    send_upstream_head(client, message);
    if (client.message() != nullptr && request_.framing != Framing::none)
        message.framing = Framing::message;
    if (request_.framing != Framing::none) message.body = client.in.view().substr(head_bytes_);
    if (configured.limits.body_bytes != 0) message.body_bytes_max = configured.limits.body_bytes;
    up_.start(message);
    up_state_ = BodyPump::State::again;
    down_state_ = BodyPump::State::needs_source;
    down_.release();
    upstream_spoiled_ = false;
}

// As text in front of the body, or as fields.
void Exchange::send_upstream_head(Client& client, BodyPump::Message& message) {
    const config::Service& configured = service->service.configured;
    const Forwarder forwarder(configured.forwarded, configured.trusted_proxies, client.address,
                              tls_);
    const RequestHeadContext context{forwarder,
                                     effective_client_,
                                     id_,
                                     client.worker_service().service.cookie_names,
                                     choice.server()->configured().host,
                                     client.certificate_fields(),
                                     upstream_message_ != nullptr && asks_websocket()};
    upstream_head_.clear();
    if (upstream_message_ == nullptr) {
        append_request_head(upstream_head_, request_, context);
        message.head = upstream_head_;
        return;
    }
    append_request_lines(upstream_head_, request_, context);
    const bool tunnel = context.extended_connect;
    fields_sent_ = true;
    upstream_message_->send_head(
        {.method = tunnel ? "CONNECT" : request_.method,
         .scheme = tls_ ? "https" : "http",
         .authority = request_.authority.empty() ? context.default_host : request_.authority,
         .path = request_.path,
         .protocol = tunnel ? "websocket" : "",
         .lines = upstream_head_,
         .last = request_.framing == Framing::none && !tunnel});
    if (request_.framing != Framing::none) message.framing_out = Framing::message;
}

// The body was not read beyond what is still in the client's buffer.
bool Exchange::replayable() const {
    return !up_.began_reading();
}

void Exchange::consume_request(Client& client) {
    std::string_view rest = client.in.view().substr(head_bytes_);
    if (request_.framing == Framing::none) {
        client.in.consume(head_bytes_);
        return;
    }
    rest = up_.left_over();
    const auto held = client.in.view();
    const bool in_place = rest.data() >= held.data() && rest.data() <= held.data() + held.size();
    if (in_place && !up_.began_reading()) {
        client.in.consume(held.size() - rest.size());
        return;
    }
    client.in.consume(held.size());
    while (!rest.empty()) {  // the start of the next request came with the body's end
        auto space = client.in.space();
        if (space.empty() && !client.in.make_room()) break;
        space = client.in.space();
        const auto n = std::min(space.size(), rest.size());
        std::copy_n(rest.data(), n, space.data());
        client.in.commit(n);
        rest.remove_prefix(n);
    }
}

void Exchange::note_bytes(std::size_t answer_bytes) {
    bytes_in += up_.bytes_read();
    bytes_out += down_.bytes_written() + answer_bytes;
}

bool authenticates_connection(std::string_view value) {
    const auto scheme = value.substr(0, value.find_first_of(" \t"));
    return same_word(scheme, "NTLM") || same_word(scheme, "Negotiate") ||
           same_word(scheme, "Nego2");
}

}  // namespace poise::proxy
