#include "proxy/session_answer.hpp"

#include "base/engine.hpp"
#include "proxy/error_answer.hpp"
#include "proxy/http2_head.hpp"
#include "proxy/io.hpp"
#include "proxy/session_report.hpp"

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>

namespace poise::proxy {

namespace {

constexpr std::chrono::seconds answer_time{5};

// The connection can go on only when it is sure where the next request starts.
bool may_go_on(const Client& client, const Exchange& exchange) {
    const auto& request = exchange.request();
    const int status = facts(exchange.failure().reason).status;
    return (status >= 500 || status < 400) && !request.method.empty() && request.keep_alive &&
           request.framing == Framing::none && !client.is_leaving();
}

// The operator's own words stand in for every answer that means "no server".
const config::Fallback* sorry_page(const Exchange& exchange) {
    if (exchange.service == nullptr) return nullptr;
    const auto& fallback = exchange.service->service.configured.fallback;
    if (!fallback || fallback->server) return nullptr;
    switch (exchange.failure().reason) {
        case Reason::no_server:
        case Reason::unresolved:
        case Reason::connect_failed:
        case Reason::connect_timeout:
        case Reason::server_tls_failed:
        case Reason::server_certificate_refused:
            return &*fallback;
        default:
            return nullptr;
    }
}

std::string answer_text(const Client& client, const Exchange& exchange, bool keep_alive) {
    const Failure& failure = exchange.failure();
    const Field* accept = exchange.request().find(FieldId::accept);
    AnswerContext context;
    context.request_id = exchange.request_id();
    if (accept != nullptr) context.accept = accept->value;
    context.offset = failure.offset;
    context.now = std::chrono::system_clock::now();
    context.keep_alive = keep_alive;
    context.is_message = client.message() != nullptr;
    const bool refused = exchange.request().method.empty();
    context.is_head = refused ? client.in.view().starts_with("HEAD ") : exchange.request().is_head;
    if (failure.reason == Reason::https_required) context.location = exchange.https_location();
    if (const auto* sorry = sorry_page(exchange))
        return make_sorry_answer(sorry->status, sorry->body, context);
    return make_error_answer(failure.reason, context);
}

// The text's own head as fields: an answer of ours is rare, and written once for both versions.
Task<bool> send_as_message(Client& client, std::string_view text) {
    constexpr std::size_t status_at = std::string_view("HTTP/1.1 ").size();
    int status = 0;
    std::from_chars(text.data() + status_at, text.data() + status_at + 3, status);
    const auto lines_at = text.find('\n') + 1;
    const auto body_at = head_length(text, 0);
    const auto body = text.substr(body_at);
    client.message()->send_head({.status = status,
                                 .lines = text.substr(lines_at, body_at - 2 - lines_at),
                                 .last = body.empty()});
    client.waiter.expires_after(answer_time);
    for (auto left = body; !left.empty();) {
        const iovec piece{const_cast<char*>(left.data()), left.size()};
        const auto written = client.message()->try_write_last({&piece, 1}, {});
        left.remove_prefix(written.bytes);
        if (written.state == Io::failed) co_return false;
        if (written.state != Io::would_block) continue;
        client.stream->want(client.waiter, Direction::write);
        if (co_await client.waiter.sleep() != Wake::ready || client.stream->broken())
            co_return false;
    }
    co_return true;
}

Task<bool> send_answer(Client& client, std::string_view text) {
    if (client.message() != nullptr) co_return co_await send_as_message(client, text);
    co_return co_await send_all(client.waiter, *client.stream, text, answer_time);
}

}  // namespace

Task<After> answer_failure(Client& client, Exchange& exchange) {
    exchange.ensure_request_id(client);
    const int status = facts(exchange.failure().reason).status;
    const bool rejected = client.message() != nullptr && is_malformed(exchange.failure().reason);
    const bool can_answer = !rejected && !exchange.response_started() && status != 0 &&
                            !client.stream->broken() && !client.waiter.cancelled();
    std::string text;
    // A whole response is not taken back because the rest of its request does not come.
    After after = exchange.response_whole() ? After::linger : After::cut;
    if (rejected) after = After::reject;
    if (can_answer) {
        const bool keep_alive = may_go_on(client, exchange);
        text = answer_text(client, exchange, keep_alive);
        const auto* sorry = sorry_page(exchange);
        exchange.set_status(sorry != nullptr ? sorry->status : status);
        const bool sent = co_await send_answer(client, text);
        after = !sent ? After::close : keep_alive ? After::keep_alive : After::linger;
    }
    exchange.note_bytes(text.size());
    report_exchange(client, exchange);
    exchange.choice.release(client.worker);
    if (after == After::keep_alive) exchange.consume_request(client);
    co_return after;
}

}  // namespace poise::proxy
