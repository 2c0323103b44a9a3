// Events, the audit log, and the stream of what happens.
#include "admin/handlers.hpp"
#include "admin/problem.hpp"

#include <algorithm>
#include <charconv>

namespace poise::admin {

namespace {

constexpr std::size_t shown_default = 100;

// nullopt: the query's limit is no number in range.
std::optional<std::size_t> limit_of(const Request& request) {
    const auto text = query_value(request.query, "limit");
    if (!text) return shown_default;
    std::size_t count = 0;
    const char* const end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, count);
    if (error != std::errc{} || at != end || count == 0 || count > Journal::entries_max)
        return std::nullopt;
    return count;
}

Response last_of(const Journal& journal, const Request& request) {
    const auto count = limit_of(request);
    if (!count) return bad_field("limit", "must be a whole number from 1 to 500");
    return ok(journal.last(*count));
}

}  // namespace

Response get_events(Api& api, const Call& call) {
    return last_of(api.events, call.request);
}

Response get_audit(Api& api, const Call& call) {
    return last_of(api.audit, call.request);
}

Response stream_events(Api& api, const Call& call) {
    if (api.feed.full())
        return problem(503, "busy", "Too many pages are open", "close some of them");
    Response response;
    response.type = "text/event-stream";
    response.may_stream = [&api, who = call.who] { return api.access.still_valid(who, api.now()); };
    return response;
}

}  // namespace poise::admin
