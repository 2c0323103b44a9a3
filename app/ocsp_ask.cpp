#include "app/ocsp_ask.hpp"

#include "pool/conversation.hpp"
#include "pool/http_response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace poise::app {

namespace {

using Answer = std::expected<std::string, std::string>;

std::string request_for(const HttpUrl& url, const std::string& question) {
    const bool v6 = url.host.find(':') != std::string::npos;
    const std::string host = v6 ? fmt::format("[{}]", url.host) : url.host;
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: {}{}\r\nUser-Agent: poise\r\n"
        "Content-Type: application/ocsp-request\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        url.path, host, url.port == 80 ? "" : fmt::format(":{}", url.port), question.size(),
        question);
}

// nullopt: there is more to come.
std::optional<Answer> judge(const std::optional<pool::HttpResponse>& response, bool ended) {
    if (!response) {
        if (!ended) return std::nullopt;
        return std::unexpected("closed before the response was complete");
    }
    if (response->status == 0) return std::unexpected("the answer is not HTTP/1");
    if (response->status != 200) return std::unexpected(fmt::format("status {}", response->status));
    if (!response->complete && !ended) return std::nullopt;
    return response->body;
}

Task<Answer> converse(Address address, std::string request) {
    pool::Conversation conversation(co_await pool::this_executor(), ocsp_limit);
    auto wrong = co_await conversation.connect(address);
    if (wrong.empty()) wrong = co_await conversation.send(std::move(request));
    while (wrong.empty()) {
        auto answer =
            judge(pool::read_http_response(conversation.received()), conversation.ended());
        if (answer) co_return std::move(*answer);
        wrong = co_await conversation.receive("the response");
    }
    co_return std::unexpected(std::move(wrong));
}

bool plain(char c) {
    return c > ' ' && c < 0x7f;
}

}  // namespace

std::optional<HttpUrl> parse_http_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme) || !std::ranges::all_of(url, plain)) return std::nullopt;
    url.remove_prefix(scheme.size());
    url = url.substr(0, url.find('#'));
    const auto path_at = std::min(url.find_first_of("/?"), url.size());
    HttpUrl made;
    if (path_at < url.size())
        made.path = (url[path_at] == '?' ? "/" : "") + std::string(url.substr(path_at));
    std::string_view place = url.substr(0, path_at);
    std::string_view host = place;
    const bool bracketed = place.starts_with('[');
    const auto end = bracketed ? place.find(']') : place.find(':');
    if (bracketed && end == std::string_view::npos) return std::nullopt;
    host = bracketed ? place.substr(1, end - 1) : place.substr(0, end);
    place.remove_prefix(std::min(bracketed ? end + 1 : host.size(), place.size()));
    if (host.empty() || host.find('@') != std::string_view::npos) return std::nullopt;
    made.host = host;
    if (place.empty()) return made;
    if (place.front() != ':') return std::nullopt;
    place.remove_prefix(1);
    const auto [rest, error] =
        std::from_chars(place.data(), place.data() + place.size(), made.port);
    if (error != std::errc() || rest != place.data() + place.size() || made.port == 0)
        return std::nullopt;
    return made;
}

Task<Answer> ask_responder(const pool::Resolver& names, std::string url, std::string question) {
    const auto where = parse_http_url(url);
    if (!where) co_return std::unexpected("its address is not http://HOST/PATH");
    std::optional<Address> address;
    if (const auto ip = parse_ip(where->host)) {
        address = ip;
        address->port = where->port;
    } else {
        auto resolved = co_await names.resolve(where->host, where->port);
        if (resolved.found.empty())
            co_return std::unexpected(
                fmt::format("{} not resolved: {}", where->host, resolved.wrong));
        address = resolved.found.front();
    }
    co_return co_await converse(*address, request_for(*where, question));
}

}  // namespace poise::app
