// Feeds noise to the REST API as the body of every endpoint that changes something: the first byte
// chooses the endpoint. Whatever comes, the answer is one that the API's document knows.
#include "admin/alerts.hpp"
#include "admin/api.hpp"
#include "admin/history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace poise;
using namespace poise::admin;
using nlohmann::json;

namespace {

class NoProgram final : public Program {
public:
    std::string status_json() override {
        return R"({"services":[{"name":"x","servers":[{"name":"x","state":"up","weight":1}]}]})";
    }
    std::optional<std::string> order(const std::string&, const std::string&, ServerOrder,
                                     std::uint32_t weight) override {
        if (weight > 256) std::abort();  // the table of endpoints promises that
        return R"({"state":"up","weight":1})";
    }
    std::optional<std::string> incidents_json(const std::string&) override { return "[]"; }
    std::string order_pair(PairOrder) override { return ""; }
    ConfigOutcome reload() override { return {.error = "", .problems = {}, .changes = {}}; }
    ConfigOutcome check(const std::string& text) override {
        if (text.size() % 2 == 0) return {.error = "", .problems = {}, .changes = {text}};
        return {.error = "it is wrong", .problems = {{1, 1, text, text}}, .changes = {}};
    }
    std::vector<CertificateFacts> certificates() override { return {}; }
    std::expected<std::string, std::string> clients_json(const ListFilter&) override {
        return "{}";
    }
    bool forget_client(const std::string&, const std::string&) override { return true; }
    std::string flows_json(const ListFilter&) override { return "{}"; }
};

// An API without a file, a socket or a user, and the session of the first start.
struct World {
    World() {
        const auto found = access.use_link(access.make_link(), now);
        if (!found) std::abort();
        who = *found;
        for (const Endpoint& endpoint : endpoints())
            if (endpoint.method != Method::get && endpoint.method != Method::delete_)
                changing.push_back(&endpoint);
    }

    const std::chrono::system_clock::time_point now{std::chrono::seconds{1'800'000'000}};
    std::unique_ptr<Log> log = Log::open({.least = Severity::error, .path = "/dev/null"}).value();
    NoProgram program;
    Access access{UserFile("")};
    ConfigStore config{"", "", program};
    Journal events{""}, audit{""};
    Feed feed;
    History history{""};
    Alerts alerts{{}, "fuzz", *log};
    Api api{program, access, config, events, audit, feed, *log, [this] { return now; },
            history, alerts};
    Principal who;
    std::vector<const Endpoint*> changing;
};

// Hashing a password takes a tenth of a second: its bodies are read and go no further.
bool is_slow(const Endpoint& endpoint) {
    return std::ranges::any_of(endpoint.fields,
                               [](const BodyField& field) { return field.name == "password"; });
}

std::string concrete(std::string_view pattern) {
    std::string path(pattern);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{'))
        path.replace(at, path.find('}') - at + 1, "x");
    return path;
}

void check(const Response& response) {
    if (response.status >= 500 && response.status != 503) std::abort();
    if (response.body.empty()) return;
    const json document = json::parse(response.body, nullptr, false);
    if (document.is_discarded()) std::abort();
    const bool failed = response.status >= 400;
    if (failed && (!document.is_object() || document.value("status", 0) != int(response.status)))
        std::abort();
}

World world;  // made once: its log has a thread

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Endpoint& endpoint = *world.changing[data[0] % world.changing.size()];
    Request request;
    request.method = endpoint.method;
    request.path = concrete(endpoint.path);
    request.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
    request.tls = true;
    request.content_type = "application/json";
    request.client = *parse_ip("127.0.0.1");
    request.cookie = std::string(cookie_name(true)) + "=" + world.who.session;
    request.csrf = world.who.csrf;

    if (is_slow(endpoint)) {
        const auto body = Body::read(request, endpoint.fields);
        if (!body) check(body.error());
    } else {
        check(answer(world.api, request));
    }
    return 0;
}
