#include "app/flow_list.hpp"

#include "base/address.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace poise::app {

using nlohmann::json;

namespace {

std::string_view word(l4::FlowState state) {
    switch (state) {
        case l4::FlowState::opening:
            return "opening";
        case l4::FlowState::established:
            return "established";
        case l4::FlowState::closing:
            return "closing";
        case l4::FlowState::single:
            return "single";
        case l4::FlowState::datagrams:
            break;
    }
    return "datagrams";
}

std::string place(const l4::Ip& ip, std::uint16_t port) {
    return to_string(Address{ip, port});
}

const l4::ServerEntry* entry_of(const l4::Services& services, const l4::Flow& flow) {
    return flow.server < services.servers.size() ? &services.servers[flow.server] : nullptr;
}

// Empty: no configuration names it any more.
std::string service_of(const l4::Services& services, const l4::Flow& flow) {
    const l4::ServerEntry* const entry = entry_of(services, flow);
    if (entry == nullptr || entry->service >= services.services.size()) return {};
    return services.services[entry->service]->name;
}

std::string server_of(const l4::Services& services, const l4::Flow& flow) {
    const l4::ServerEntry* const entry = entry_of(services, flow);
    return entry == nullptr || !entry->server ? "" : entry->server->name();
}

}  // namespace

FlowList::FlowList(admin::ListFilter filter, std::shared_ptr<const l4::Services> services)
    : filter_(std::move(filter)), services_(std::move(services)) {}

bool FlowList::is_wanted(const l4::Flow& flow) const {
    if (flow.aside) return false;  // it leads to one, which is listed itself
    if (!filter_.client.empty()) {
        const auto client = parse_ip(filter_.client);
        if (!client || client->ip != flow.client) return false;
    }
    if (!filter_.service.empty() && service_of(*services_, flow) != filter_.service) return false;
    return filter_.server.empty() || server_of(*services_, flow) == filter_.server;
}

FlowList::Looked FlowList::look(const l4::FlowTable& flows, bool last) {
    const std::lock_guard lock(mutex_);
    if (done_) return Looked::done;
    if (next_ == 0) total_ += flows.size();
    if (!full_) {
        next_ = flows.look(next_, places_at_once, [&](const l4::Flow& flow) {
            if (!is_wanted(flow)) return;
            if (found_.size() < filter_.count_max)
                found_.push_back({flow, flows.ticks_left(flow)});
            else
                full_ = true;
        });
    }
    if (full_) next_ = 0;  // the other tables are only counted
    if (next_ != 0) return Looked::more;
    if (!last) return Looked::end_of_table;
    done_ = true;
    whole_ = !full_;
    changed_.notify_all();
    return Looked::done;
}

std::string FlowList::wait(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return done_; });
    done_ = true;
    return to_json();
}

std::string FlowList::to_json() const {
    static_assert(l4::FlowTable::tick == std::chrono::seconds{1});
    json list = json::array();
    for (const auto& [flow, seconds_left] : found_) {
        const l4::ServerEntry* const entry = entry_of(*services_, flow);
        json one{{"client", place(flow.client, flow.client_port)},
                 {"protocol", flow.protocol == l4::protocol_tcp ? "tcp" : "udp"},
                 {"service", service_of(*services_, flow)},
                 {"server", server_of(*services_, flow)},
                 {"state", word(flow.state)},
                 {"answered", flow.answered},
                 {"kept", flow.kept},
                 {"fast", flow.fast},
                 {"expires_in_s", seconds_left}};
        if (flow.vip < services_->vips.size())
            one["listen"] = place(services_->vips[flow.vip], flow.port);
        if (entry != nullptr)
            one["to"] = place(entry->ip, entry->port == 0 ? flow.port : entry->port);
        list.push_back(std::move(one));
    }
    return json{{"total", total_}, {"whole", whole_}, {"flows", std::move(list)}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
}

}  // namespace poise::app
