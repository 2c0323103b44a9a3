#include "admin/recorder.hpp"

#include "admin/json_member.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

double number(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || !found->is_number() ? 0 : found->get<double>();
}

HistorySample sample_of(const json& service) {
    const json& responses = member(service, "responses");
    const bool is_http = service.value("protocol", "") == "http";
    HistorySample sample;
    sample.requests = number(service, is_http ? "requests" : "connections");
    sample.errors = number(responses, "5xx") + number(responses, "none");
    sample.bytes_in = number(service, "bytes_in");
    sample.bytes_out = number(service, "bytes_out");
    sample.sessions = number(service, "sessions");
    for (const json& server : member(service, "servers")) {
        const std::string state = server.value("state", "");
        if (state == "up" || state == "backup") sample.servers_up += 1;
    }
    return sample;
}

void add_to(HistorySample& sum, const HistorySample& one) {
    sum.requests += one.requests;
    sum.errors += one.errors;
    sum.bytes_in += one.bytes_in;
    sum.bytes_out += one.bytes_out;
    sum.sessions += one.sessions;
    sum.servers_up += one.servers_up;
}

}  // namespace

std::vector<std::string> Recorder::take(const StatusDocument& document, std::int64_t now_s) {
    std::vector<std::string> told;
    const json& status = document.as<json>();
    if (!status.is_object()) return told;
    const auto generation = status.value("generation", std::uint64_t{0});
    if (generation_ != 0 && generation != generation_)
        told.push_back(fmt::format("generation {} of the configuration is in force", generation));
    generation_ = generation;
    if (const json& pair = member(status, "pair"); pair.is_object()) {
        const std::string state = pair.contains("state") && pair["state"].is_string()
                                      ? pair["state"].get<std::string>()
                                      : "";
        if (!pair_state_.empty() && state != pair_state_)
            told.push_back(fmt::format("this node is {} now, it was {}", state, pair_state_));
        pair_state_ = state;
    }
    if (now_s - sampled_ < History::sample_every_s && now_s >= sampled_) return told;
    sampled_ = now_s;
    HistorySample sum;
    for (const json& service : member(status, "services")) {
        const HistorySample sample = sample_of(service);
        add_to(sum, sample);
        history_.add(service.value("name", "?"), sample, now_s);
    }
    history_.add(std::string(History::all), sum, now_s);
    return told;
}

}  // namespace poise::admin
