// http: the server answers a request with an expected status and, where asked for, a text.
#include "pool/conversation.hpp"
#include "pool/http_response.hpp"
#include "pool/probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace poise::pool {

namespace {

// RFC 9110, 7.2: the port is left out when it is the scheme's own; IPv6 stands in brackets.
std::string host_field(const config::HealthCheck& check, const ProbeTarget& target) {
    const std::uint16_t scheme_port = target.tls ? 443 : 80;
    if (!check.host.empty()) return check.host;
    const bool v6 = target.host.find(':') != std::string::npos;
    const auto host = v6 ? fmt::format("[{}]", target.host) : target.host;
    return target.server.port == scheme_port ? host
                                             : fmt::format("{}:{}", host, target.server.port);
}

std::string request_for(const config::HealthCheck& check, const ProbeTarget& target) {
    return fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: poise-health-check\r\nAccept: */*\r\n"
        "Connection: close\r\n\r\n",
        check.method, check.path, host_field(check, target));
}

// "" when it is as it should be, nullopt when more of the body may still make it so.
std::optional<std::string> judge(const HttpResponse& response, const config::HealthCheck& check,
                                 bool ended) {
    if (response.status == 0) return "the answer is not HTTP/1";
    if (std::ranges::find(check.expect, response.status) == check.expect.end())
        return fmt::format("status {}, expected {}", response.status,
                           fmt::join(check.expect, " or "));
    if (check.body.empty() || response.body.find(check.body) != std::string::npos) return "";
    if (!ended && !response.complete) return std::nullopt;
    return fmt::format("status {}, but the body does not contain \"{}\"", response.status,
                       check.body);
}

}  // namespace

Task<std::string> probe_http(const config::HealthCheck& check, const ProbeTarget& target) {
    Conversation conversation(co_await this_executor(), check.timeout);
    auto wrong = co_await conversation.connect(target.server);
    if (wrong.empty() && target.tls)
        wrong = co_await conversation.start_tls(target.tls->make_session(target.tls_name));
    if (wrong.empty()) wrong = co_await conversation.send(request_for(check, target));
    while (wrong.empty()) {
        const auto response = read_http_response(conversation.received());
        if (response) {
            if (const auto verdict = judge(*response, check, conversation.ended())) {
                co_await conversation.end_tls();
                co_return *verdict;
            }
        } else if (conversation.ended()) {
            co_return "closed before the response was complete";
        }
        wrong = co_await conversation.receive(response ? "the body" : "the response");
    }
    co_return wrong;
}

}  // namespace poise::pool
