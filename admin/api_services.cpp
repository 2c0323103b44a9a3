// Services, servers, incidents and certificates.
#include "admin/alerts.hpp"
#include "admin/handlers.hpp"
#include "admin/json_text.hpp"
#include "admin/metrics.hpp"
#include "admin/problem.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

Response stopping() {
    return problem(503, "stopping", "Poise is stopping", "it answers no more questions");
}

// An object when the program stops or has no such service.
json status_of(Api& api) {
    return json::parse(api.program.status_json(), nullptr, false);
}

json named(const json& list, const std::string& name) {
    for (const json& one : list)
        if (one.value("name", "") == name) return one;
    return {};
}

json find_service(Api& api, const Call& call) {
    const json status = status_of(api);
    return status.is_object() ? named(status.value("services", json::array()), call.names[0])
                              : json();
}

json find_server(Api& api, const Call& call) {
    const json service = find_service(api, call);
    return service.is_object() ? named(service.value("servers", json::array()), call.names[1])
                               : json();
}

Response no_service(const Call& call) {
    return not_found(fmt::format("there is no service '{}'", call.names[0]));
}

Response no_server(const Call& call) {
    return not_found(fmt::format("service '{}' has no server '{}', or there is no such service",
                                 call.names[0], call.names[1]));
}

std::string summary(const json& server) {
    return fmt::format("{}, weight {}", server.value("state", "?"), server.value("weight", 0));
}

Response order(Api& api, const Call& call, ServerOrder what, std::string_view said,
               std::uint32_t weight = 0) {
    const json before = find_server(api, call);
    if (!before.is_object()) return no_server(call);
    auto after = api.program.order(call.names[0], call.names[1], what, weight);
    if (!after) return no_server(call);
    const json now = json::parse(*after, nullptr, false);
    record(api, call, said, call.names[0] + "/" + call.names[1], summary(before),
           now.is_object() ? summary(now) : "");
    return ok(std::move(*after));
}

Response order_pair(Api& api, const Call& call, PairOrder what, std::string_view said) {
    const std::string why_not = api.program.order_pair(what);
    if (!why_not.empty()) return problem(409, "pair", "The pair stays as it is", why_not);
    record(api, call, said, "", "", "");
    Response response = ok(R"({"ordered":true})");
    response.status = 202;  // the addresses move when both nodes have agreed
    return response;
}

}  // namespace

Response take_over(Api& api, const Call& call) {
    return order_pair(api, call, PairOrder::takeover, "takeover");
}

Response stand_by(Api& api, const Call& call) {
    return order_pair(api, call, PairOrder::standby, "standby");
}

Response get_status(Api& api, const Call&) {
    std::string text = api.program.status_json();
    return text.empty() ? stopping() : ok(std::move(text));
}

Response get_services(Api& api, const Call&) {
    const json status = status_of(api);
    if (!status.is_object()) return stopping();
    return ok(json_text(status.value("services", json::array())));
}

Response get_service(Api& api, const Call& call) {
    const json found = find_service(api, call);
    return found.is_object() ? ok(json_text(found)) : no_service(call);
}

Response get_server(Api& api, const Call& call) {
    const json found = find_server(api, call);
    return found.is_object() ? ok(json_text(found)) : no_server(call);
}

Response drain_server(Api& api, const Call& call) {
    return order(api, call, ServerOrder::drain, "drain");
}

Response halt_server(Api& api, const Call& call) {
    return order(api, call, ServerOrder::halt, "halt");
}

Response online_server(Api& api, const Call& call) {
    return order(api, call, ServerOrder::online, "online");
}

Response weigh_server(Api& api, const Call& call) {
    const auto weight = static_cast<std::uint32_t>(call.body.integer("weight").value_or(0));
    return order(api, call, ServerOrder::weight, fmt::format("weight {} for", weight), weight);
}

Response get_incidents(Api& api, const Call&) {
    auto text = api.program.incidents_json("");
    return text ? ok(std::move(*text)) : stopping();
}

Response get_incident(Api& api, const Call& call) {
    auto text = api.program.incidents_json(call.names[0]);
    if (text) return ok(std::move(*text));
    return not_found("nothing is known of this request: it was served, or it is too long ago");
}

const std::vector<CertificateFacts>& certificates(Api& api) {
    constexpr std::chrono::seconds kept{10};
    const auto now = api.now();
    if (now - api.certificates_read >= kept || now < api.certificates_read) {
        api.certificates = api.program.certificates();
        api.certificates_read = now;
    }
    return api.certificates;
}

Response get_metrics(Api& api, const Call&) {
    Response response =
        ok(metrics_text(api.program.status_json(), certificates(api), api.alerts.to_json()));
    response.body += process_metrics();
    response.type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
}

Response get_health(Api&, const Call&) {
    return ok(R"({"ok":true})");
}

Response get_certificates(Api& api, const Call&) {
    json list = json::array();
    for (const CertificateFacts& facts : certificates(api)) {
        json one{{"file", facts.file}};
        if (!facts.error.empty()) {
            one["error"] = facts.error;
        } else {
            one.update({{"subject", facts.subject},
                        {"issuer", facts.issuer},
                        {"names", facts.names},
                        {"key", facts.key_kind},
                        {"not_before", time_text(facts.not_before)},
                        {"not_after", time_text(facts.not_after)},
                        {"warnings", facts.warnings}});
            if (!facts.ocsp.empty()) one["ocsp"] = facts.ocsp;
            if (facts.stapled_until != 0) one["stapled_until"] = time_text(facts.stapled_until);
        }
        list.push_back(std::move(one));
    }
    return ok(json_text(list));
}

}  // namespace poise::admin
