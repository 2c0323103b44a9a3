#include "admin/api.hpp"

#include "admin/problem.hpp"
#include "admin/ui_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace poise::admin {

namespace {

constexpr std::uint64_t unsigned_body_max = 16'384;
constexpr std::uint64_t signed_body_max = 4 << 20;

// Takes `pattern` apart along `path`; nullopt when they differ.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
    std::vector<std::string> names;
    while (!pattern.empty() || !path.empty()) {
        if (!pattern.starts_with('/') || !path.starts_with('/')) return std::nullopt;
        const std::string_view wanted = pattern.substr(1, pattern.find('/', 1) - 1);
        const std::string_view found = path.substr(1, path.find('/', 1) - 1);
        pattern.remove_prefix(wanted.size() + 1);
        path.remove_prefix(found.size() + 1);
        if (!wanted.starts_with('{')) {
            if (wanted != found) return std::nullopt;
            continue;
        }
        auto name = percent_decoded(found);
        if (!name || name->empty()) return std::nullopt;
        names.push_back(std::move(*name));
    }
    return names;
}

bool changes_something(Method method) {
    return method != Method::get && method != Method::head;
}

// Another site's page may send a request, but not in our name.
bool from_elsewhere(const Request& request) {
    if (request.origin.empty()) return false;
    const std::string ours = (request.tls ? "https://" : "http://") + request.host;
    return request.origin != ours;
}

Response needs_sign_in() {
    Response response = problem(401, "sign-in", "Who are you?", "sign in, or send a token");
    response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"poise\"");
    return response;
}

// nullopt: the request may be served by `endpoint`, for `who`.
std::optional<Response> refused(const Endpoint& endpoint, const Request& request,
                                const std::optional<Principal>& who) {
    if (changes_something(request.method) && from_elsewhere(request))
        return problem(403, "origin", "Another site has sent this",
                       "the Origin header names a place that is not this one");
    if (endpoint.least == Role::nobody) return std::nullopt;
    if (!who) return needs_sign_in();
    if (who->role < endpoint.least) {
        return problem(403, "role", "Your role does not allow this",
                       fmt::format("{} is a {}; this needs the role {}", who->name, word(who->role),
                                   word(endpoint.least)));
    }
    const bool by_browser = !who->session.empty();
    if (by_browser && changes_something(request.method) && request.csrf != who->csrf)
        return problem(403, "csrf", "The token of the page is missing or old",
                       "send the session's csrf value in X-CSRF-Token");
    return std::nullopt;
}

Response serve(Api& api, const Endpoint& endpoint, const Request& request,
               std::vector<std::string> names) {
    const auto who = api.access.identify(request, api.now());
    if (auto no = refused(endpoint, request, who)) return std::move(*no);
    auto body = Body::read(request, endpoint.fields);
    if (!body) return std::move(body.error());
    Call call{request, who.value_or(Principal{}), std::move(names), std::move(*body)};
    return endpoint.handle(api, call);
}

// What stands at this path for other methods: "GET, PUT".
std::string allowed(std::string_view path) {
    std::string methods;
    for (const Endpoint& endpoint : endpoints()) {
        if (!match(endpoint.path, path)) continue;
        methods += (methods.empty() ? "" : ", ") + std::string(word(endpoint.method));
    }
    return methods;
}

Response serve_api(Api& api, const Request& request) {
    const Method method = request.method == Method::head ? Method::get : request.method;
    for (const Endpoint& endpoint : endpoints()) {
        if (endpoint.method != method) continue;
        if (auto names = match(endpoint.path, request.path))
            return serve(api, endpoint, request, std::move(*names));
    }
    std::string methods = allowed(request.path);
    if (methods.empty()) return not_found("no endpoint is at this path");
    Response response = problem(405, "method", "This cannot be done here",
                                fmt::format("this path takes {}", methods));
    response.fields.emplace_back("Allow", std::move(methods));
    return response;
}

Response serve_page(const Request& request) {
    const UiFile* const file = find_ui_file(request.path);
    if (file == nullptr) return not_found("no page is at this path");
    Response response;
    response.cacheable = true;
    response.fields.emplace_back("ETag", file->etag);
    response.type = file->type;
    if (request.method != Method::get && request.method != Method::head) {
        response = problem(405, "method", "This cannot be done here", "pages are for reading");
        response.fields.emplace_back("Allow", "GET, HEAD");
    } else if (request.if_none_match == file->etag) {
        response.status = 304;
    } else {
        response.body = file->bytes;
    }
    return response;
}

// "[fd00::1]:9080" is "[fd00::1]".
std::string host_alone(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    const std::size_t bracket = host.rfind(']');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    return std::string(has_port ? host.substr(0, colon) : host);
}

Response to_https(const Api& api, const Request& request) {
    if (api.https_port == 0) {
        return problem(403, "plain", "Not without TLS",
                       "this node is administered over plain HTTP from itself alone");
    }
    Response response;
    response.status = 308;
    response.type = "text/plain; charset=utf-8";
    response.fields.emplace_back(
        "Location", fmt::format("https://{}:{}{}{}{}", host_alone(request.host), api.https_port,
                                request.path, request.query.empty() ? "" : "?", request.query));
    return response;
}

}  // namespace

Response ok(std::string text) {
    Response response;
    response.body = std::move(text);
    return response;
}

Response no_content() {
    Response response;
    response.status = 204;
    response.type.clear();
    return response;
}

Response answer(Api& api, const Request& request) {
    try {
        if (!request.tls && !request.client.is_loopback()) return to_https(api, request);
        if (request.path.starts_with("/api/") || request.path == "/metrics" ||
            request.path == "/healthz")
            return serve_api(api, request);
        return serve_page(request);
    } catch (const std::exception& error) {  // a bug, or no memory: this request alone fails
        api.log.error(fmt::format("administration: {} {}: {}", word(request.method), request.path,
                                  error.what()));
        return problem(500, "internal", "Poise has failed here", "the log tells more");
    }
}

std::uint64_t body_bytes_allowed(Api& api, const Request& head) {
    const auto who = api.access.identify(head, api.now());
    return who && who->role == Role::administrator ? signed_body_max : unsigned_body_max;
}

void record(Api& api, const Call& call, std::string_view what, std::string_view target,
            std::string_view before, std::string_view after) {
    const std::int64_t now =
        std::chrono::floor<std::chrono::seconds>(api.now().time_since_epoch()).count();
    const std::string from = ip_to_string(call.request.client);
    api.audit.add(now, {{"who", call.who.name},
                        {"from", from},
                        {"what", what},
                        {"target", target},
                        {"before", before},
                        {"after", after}});
    const std::string text = fmt::format("{}{}{}, by {} from {}", what, target.empty() ? "" : " ",
                                         target, call.who.name, from);
    api.log.info("administration: " + text);
    api.feed.publish("event", api.events.add(now, {{"kind", "order"}, {"text", text}}));
}

}  // namespace poise::admin
