// The second half of an exchange: the response's head, on its way to the client.
#include "proxy/exchange.hpp"
#include "proxy/head_writer.hpp"
#include "proxy/http2_head.hpp"
#include "proxy/websocket_key.hpp"

#include <utility>

namespace poise::proxy {

namespace {

constexpr HeadLimits response_limits{.fields = 200, .request_line_bytes = 16'384};
constexpr std::size_t response_head_bytes_max = 131'072;

Framing framing_for_client(const ResponseHead& head, int client_minor) {
    if (head.framing == Framing::chunked || head.framing == Framing::until_close)
        return client_minor == 0 ? Framing::until_close : Framing::chunked;
    return head.framing;
}

// Whether the client has asked for it (RFC 9110 section 7.8).
bool names_protocol(const RequestHead& head, std::string_view wanted) {
    bool named = false;
    for (const Field& field : head.fields) {
        if (field.id != FieldId::upgrade) continue;
        each_element(field.value, [&](std::string_view protocol) {
            named = named || same_word(protocol, wanted);
        });
    }
    return named;
}

}  // namespace

// Leaves receiving_ at head when more bytes are needed.
bool Exchange::read_response_head(Client& client) {
    if (upstream_message_ != nullptr) return read_response_fields_of(client);
    for (;;) {
        const auto bytes = received_.view();
        if (bytes.size() > response_scanned_) {
            if (const auto length = head_length(bytes, response_scanned_); length > 0)
                return on_response_head(client, length);
            response_scanned_ = bytes.size();
            if (bytes.size() >= response_head_bytes_max)
                return refuse(Reason::response_head_too_long, Phase::response_head);
        }
        if (received_.space().empty() && !received_.make_room())
            return refuse(Reason::response_head_too_long, Phase::response_head);
        const auto read = upstream->try_read(received_.space());
        if (read.state == Io::would_block) {
            received_.release_if_empty();
            return true;
        }
        if (!read.ok()) return on_upstream_end(read.error);
        any_response_byte_ = true;
        received_.commit(read.bytes);
    }
}

bool Exchange::on_response_head(Client& client, std::size_t length) {
    const auto refusal = parse_response_head(received_.view().substr(0, length), response_limits,
                                             request_.is_head, response_);
    if (refusal) return refuse(refusal->reason, Phase::response_head, refusal->offset);
    response_head_bytes_ = length;
    return note_response_head(client);
}

// The same of a server that speaks HTTP/2.
bool Exchange::read_response_fields_of(Client& client) {
    const FieldBlock* block = upstream_message_->head();
    if (block == nullptr) {
        if (!upstream->broken() && upstream->quiet()) return true;
        return on_upstream_end(0);
    }
    any_response_byte_ = true;
    const auto refusal = read_response_fields(*block, request_.is_head, response_);
    if (refusal) return refuse(refusal->reason, Phase::response_head, refusal->offset);
    return note_response_head(client);
}

bool Exchange::note_response_head(Client& client) {
    const int status = response_.status;
    if (status == 101 && !switches_as_asked())
        return refuse(Reason::bad_response, Phase::response_head);
    // To a client of HTTP/2 any 2xx would be the tunnel that it has asked for.
    if (request_.extended_connect && status >= 200 && status < 300 && upstream_message_ == nullptr)
        return refuse(Reason::bad_response, Phase::response_head);
    if (status < 200 && status != 101) {
        start_interim(client);
        return true;
    }
    phases.responded = client.worker.engine().now();
    status_ = connects() && client.message() == nullptr ? 101 : status;
    note_authentication();
    start_response(client);
    return true;
}

// 100, 103 and the like pass at once; HTTP/1.0 knows none of them.
void Exchange::start_interim(Client& client) {
    upstream_spoiled_ = upstream_spoiled_ || !response_.keep_alive;
    downstream_head_.clear();
    BodyPump::Message message;
    if (client.message() != nullptr) {
        append_response_lines(downstream_head_, response_, {.request_id = id_});
        client.message()->send_head({.status = response_.status, .lines = downstream_head_});
    } else if (request_.minor > 0) {
        append_response_head(downstream_head_, response_, {.request_id = id_});
        message.head = downstream_head_;
    }
    drop_response_head();
    interim_.start(message);
    receiving_ = Receiving::interim;
}

void Exchange::drop_response_head() {
    if (upstream_message_ != nullptr)
        upstream_message_->drop_head();
    else
        received_.consume(response_head_bytes_);
}

void Exchange::start_response(Client& client) {
    tunnel_ = status_ == 101 || connects();
    if (tunnel_) response_.framing = Framing::none;
    const bool upgrades = tunnel_ && upstream_message_ != nullptr && client.message() == nullptr;
    std::string accept;
    if (upgrades) {
        response_.status = status_;
        response_.reason_phrase = "Switching Protocols";
        accept = accept_for_client();
    }
    framing_out_ = framing_for_client(response_, request_.minor);
    // An early answer leaves the rest of the request in the way of the next one.
    keep_client_ = request_.keep_alive && framing_out_ != Framing::until_close &&
                   !client.is_leaving() && (request_done_ || response_.keep_alive);
    const ResponseHeadContext context{
        .request_id = id_,
        .set_cookie = choice.set_cookie(tls_),
        .hsts = tls_ ? std::string_view(service->service.hsts_field) : std::string_view(),
        .framing_out = framing_out_,
        .client_minor = request_.minor,
        .keep_alive = keep_client_,
        .extended_connect = request_.extended_connect || upgrades,
        .upgrade = tunnel_,
        .websocket_accept = accept,
        .keep_length = request_.is_head || status_ == 304};
    downstream_head_.clear();
    BodyPump::Message message;
    message.framing = response_.framing;
    message.framing_out = framing_out_;
    message.length = response_.content_length;
    if (client.message() != nullptr) {
        pass_response_head(*client.message(), context, message);
    } else {
        append_response_head(downstream_head_, response_, context);
        message.head = downstream_head_;
    }
    if (upstream_message_ != nullptr && message.framing != Framing::none)
        message.framing = Framing::message;
    drop_response_head();
    down_.start(message, std::move(received_));
    receiving_ = Receiving::body;
    response_.fields.clear();  // views into the buffer end with the next fill
    response_.reason_phrase = {};
}

void Exchange::pass_response_head(MessageStream& to, const ResponseHeadContext& context,
                                  BodyPump::Message& message) {
    append_response_lines(downstream_head_, response_, context);
    const bool empty = message.framing == Framing::length && message.length == 0;
    if (empty) message.framing = Framing::none;
    message.framing_out = message.framing == Framing::none ? Framing::none : Framing::message;
    to.send_head({.status = status_ == 101 ? 200 : status_,
                  .lines = downstream_head_,
                  .last = message.framing == Framing::none && !tunnel_});
    head_passed_ = true;
}

// A server that speaks HTTP/2 has opened the WebSocket that it was asked for.
bool Exchange::connects() const {
    return upstream_message_ != nullptr && response_.status / 100 == 2 && asks_websocket();
}

// What a client of HTTP/1 expects: the handshake is between it and us.
std::string Exchange::accept_for_client() const {
    const Field* key = request_.find("sec-websocket-key");
    return websocket_accept(key->value);
}

bool Exchange::asks_websocket() const {
    if (!request_.upgrade || request_.extended_connect) return request_.extended_connect;
    return request_.method == "GET" && request_.framing == Framing::none &&
           names_protocol(request_, "websocket") && request_.find("sec-websocket-key") != nullptr;
}

// To a protocol that the client has named (RFC 9110 section 7.8).
bool Exchange::switches_as_asked() const {
    const Field* chosen = response_.find(FieldId::upgrade);
    if (!request_.upgrade || chosen == nullptr) return false;
    if (request_.extended_connect) {
        // The handshake is between us and the server.
        const Field* accept = response_.find("sec-websocket-accept");
        return accept != nullptr && same_word(chosen->value, "websocket") &&
               accept->value == websocket_accept(websocket_key(id_));
    }
    return names_protocol(request_, chosen->value);
}

void Exchange::note_authentication() {
    if (status_ != 401 && status_ != 407) return;
    for (const Field& field : response_.fields) {
        if (field.id != FieldId::www_authenticate && field.id != FieldId::proxy_authenticate)
            continue;
        each_element(field.value, [&](std::string_view challenge) {
            pins_ = pins_ || authenticates_connection(challenge);
        });
    }
}

}  // namespace poise::proxy
