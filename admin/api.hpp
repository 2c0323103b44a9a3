// The REST API: one table of endpoints says who may do what, one function carries a request there.
#pragma once

#include "admin/access.hpp"
#include "admin/body.hpp"
#include "admin/config_store.hpp"
#include "admin/feed.hpp"
#include "admin/journal.hpp"
#include "admin/message.hpp"
#include "admin/program.hpp"
#include "base/log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

class Alerts;
class History;

/// What handlers work with; belongs to the administration's thread. The references outlive it.
struct Api {
    using Time = std::chrono::system_clock::time_point;

    Program& program;
    Access& access;
    ConfigStore& config;
    Journal& events;
    Journal& audit;
    Feed& feed;
    Log& log;
    std::function<Time()> now;
    History& history;
    Alerts& alerts;
    std::uint16_t https_port = 0;  // where plain HTTP from elsewhere is sent; 0: nowhere
    std::vector<CertificateFacts> certificates = {};  // as they were read at `certificates_read`
    Time certificates_read = {};
};

/// A request that was let in.
struct Call {
    const Request& request;
    Principal who;
    std::vector<std::string> names;  // what stands at {service} and so on, decoded
    Body body;
};

using Handle = Response (*)(Api& api, const Call& call);

/// A parameter of the query: text, for the API document; handlers check what they mean.
struct QueryField {
    std::string_view name;
    std::string_view help;
};

struct Endpoint {
    Method method = Method::get;
    std::string_view path;  // "/api/v1/services/{service}"
    Role least = Role::administrator;
    Handle handle = nullptr;
    std::string_view summary;
    std::span<const BodyField> fields = {};
    std::string_view tag = {};
    unsigned success = 200;
    std::span<const QueryField> query = {};
};

/// All of them; the only place where a path gets its role.
std::span<const Endpoint> endpoints();

/// Answers any request: the API, /metrics, the web page. Throws nothing.
Response answer(Api& api, const Request& request);

/// How large a body this head may be followed by: what nobody signs is short.
std::uint64_t body_bytes_allowed(Api& api, const Request& head);

/// Writes down a change: audit log, event log, and the event stream.
void record(Api& api, const Call& call, std::string_view what, std::string_view target,
            std::string_view before, std::string_view after);

/// As the program reads them, at most once in ten seconds: a scrape must not become disk reads.
const std::vector<CertificateFacts>& certificates(Api& api);

/// 200 with `text`, which is JSON.
Response ok(std::string text);
Response no_content();

}  // namespace poise::admin
