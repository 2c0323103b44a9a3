// Who is kept on which server: clients of persistence, flows of layer 4.
#include "admin/handlers.hpp"
#include "admin/problem.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace poise::admin {

namespace {

constexpr std::size_t count_most = 1'000;

// nullopt: `limit` is no number in range.
std::optional<ListFilter> filter_of(const Request& request) {
    ListFilter filter;
    filter.service = query_value(request.query, "service").value_or("");
    filter.server = query_value(request.query, "server").value_or("");
    filter.client = query_value(request.query, "client").value_or("");
    const auto limit = query_value(request.query, "limit");
    if (!limit) return filter;
    const char* const end = limit->data() + limit->size();
    const auto [at, error] = std::from_chars(limit->data(), end, filter.count_max);
    if (error != std::errc{} || at != end || filter.count_max == 0 || filter.count_max > count_most)
        return std::nullopt;
    return filter;
}

Response bad_limit() {
    return bad_field("limit", fmt::format("must be a whole number from 1 to {}", count_most));
}

}  // namespace

Response get_clients(Api& api, const Call& call) {
    auto filter = filter_of(call.request);
    if (!filter) return bad_limit();
    filter->service = call.names[0];
    auto text = api.program.clients_json(*filter);
    return text ? ok(std::move(*text)) : not_found(text.error());
}

Response forget_client(Api& api, const Call& call) {
    if (!api.program.forget_client(call.names[0], call.names[1]))
        return not_found("no client of this service has this key now");
    record(api, call, "client forgotten:", call.names[0] + "/" + call.names[1], "", "");
    return no_content();
}

Response get_flows(Api& api, const Call& call) {
    const auto filter = filter_of(call.request);
    if (!filter) return bad_limit();
    if (!filter->client.empty() && !parse_ip(filter->client))
        return bad_field("client", "must be an IP address");
    std::string text = api.program.flows_json(*filter);
    if (text.empty()) return problem(503, "stopping", "Poise is stopping", "ask again later");
    return ok(std::move(text));
}

}  // namespace poise::admin
