// Graphs' points.
#include "admin/handlers.hpp"
#include "admin/history.hpp"
#include "admin/problem.hpp"

#include <fmt/format.h>

#include <iterator>

namespace poise::admin {

namespace {

void add_series(std::string& text, const std::vector<std::optional<float>>& values) {
    const auto out = std::back_inserter(text);
    text += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) text += ',';
        if (values[i]) {
            fmt::format_to(out, "{:.6g}", *values[i]);
        } else {
            text += "null";
        }
    }
    text += ']';
}

}  // namespace

Response get_history(Api& api, const Call& call) {
    const std::string range = query_value(call.request.query, "range").value_or("hour");
    const auto wanted = query_value(call.request.query, "service");
    const auto now = std::chrono::floor<std::chrono::seconds>(api.now().time_since_epoch()).count();
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (wanted && (wanted->empty() || wanted->size() > 64 || wanted->starts_with('.') ||
                   wanted->find_first_not_of(allowed) != std::string::npos))
        return bad_field("service", "must be the name of a service");
    const auto points = api.history.read(wanted.value_or(std::string(History::all)), range, now);
    if (!points && range != "hour" && range != "day" && range != "week" && range != "month" &&
        range != "year")
        return bad_field("range", "must be hour, day, week, month or year");
    if (!points) return not_found("nothing is recorded of this service");
    std::string text =
        fmt::format(R"({{"start":{},"step":{},"series":{{)", points->start, points->step);
    for (std::size_t i = 0; i < history_values; ++i) {
        fmt::format_to(std::back_inserter(text), R"({}"{}":)", i > 0 ? "," : "", history_names[i]);
        add_series(text, points->values[i]);
    }
    return ok(text + "}}");
}

}  // namespace poise::admin
