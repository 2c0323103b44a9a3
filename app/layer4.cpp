#include "app/layer4.hpp"

#include "app/layer4_checks.hpp"
#include "app/layer4_services.hpp"
#include "l4/kernel_fan_out.hpp"
#include "l4/kernel_fast_path.hpp"
#include "l4/kernel_guard.hpp"
#include "l4/lanes.hpp"
#include "l4/neighbours.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace poise::app {

namespace asio = boost::asio;

namespace {

using std::chrono::milliseconds;

// Memory is taken only for flows that are: 64 bytes each, and a few more of the index.
constexpr std::size_t flows_max = 8'388'608;
// Of them, those with the most to say: 0.5 KiB each in the kernel.
constexpr std::uint32_t fast_flows_max = 65'536;
constexpr milliseconds look_interval{1'000};
constexpr milliseconds look_interval_searching{50};  // while a server's neighbour is not known
// The kernel is asked to confirm a neighbour that it knows now and then: a server's address may
// move to another machine.
constexpr int looks_per_confirmation = 5;

bool wants_layer4(const config::Config& config) {
    return std::ranges::any_of(config.services, is_layer4);
}

bool wants_layer4(const config::Config& config, l4::Family family) {
    return std::ranges::any_of(config.services, [&](const config::Service& service) {
        return is_layer4(service) &&
               std::ranges::any_of(service.listen, [&](const config::Listen& listen) {
                   return listen.address.is_v4() == (family == l4::Family::v4);
               });
    });
}

// Again until it is through, lane by lane; other work of theirs comes between. Lanes end in their
// order, so that one never posts to another that is gone.
void look_for_flows(const l4::Lanes& lanes, std::size_t lane,
                    const std::shared_ptr<FlowList>& list) {
    lanes.all()[lane]->post([&lanes, lane, list](l4::Forwarder& forwarder) {
        using enum FlowList::Looked;
        const bool last = lane + 1 == lanes.all().size();
        const FlowList::Looked looked = list->look(forwarder.flows(), last);
        if (looked != done) look_for_flows(lanes, looked == more ? lane : lane + 1, list);
    });
}

}  // namespace

struct Layer4::Impl {
    Impl(const asio::any_io_executor& executor, config::FastPath wanted, unsigned wanted_threads,
         Log& to)
        : log(to),
          timer(executor),
          threads(std::min(wanted_threads, l4::threads_max)),
          no_fast_path(wanted == config::FastPath::off ? "off by node.yaml" : "") {}

    std::expected<void, std::string> open(const config::Config& config);
    std::expected<void, std::string> open();
    void open_fan_out();
    void open_fast_path();
    void look();
    void look_later(milliseconds interval);
    void set_links(std::vector<l4::Interface> found);
    bool set_hops(bool confirm);
    void apply();
    void warn_of_forwarding() const;
    std::string server_name(std::uint16_t number) const;

    Log& log;
    asio::steady_timer timer;
    unsigned threads;
    std::optional<Layer4Services> numbers;  // once `threads` is certain
    std::unique_ptr<l4::Neighbours> network;
    std::unique_ptr<l4::KernelGuard> guard;
    l4::FlowSync flows;
    std::unique_ptr<l4::KernelFastPath> fast_path;  // null: there is none
    std::string no_fast_path;                       // why
    std::unique_ptr<l4::KernelFanOut> fan_out;      // null: there is one thread
    std::unique_ptr<l4::Lanes> lanes;               // null: no service is or was of layer 4
    std::shared_ptr<const l4::Services> services;
    std::vector<l4::Interface> interfaces;
    std::vector<l4::Link> links;  // by number
    std::vector<l4::Hop> hops;
    int looks = 0;
};

std::expected<void, std::string> Layer4::Impl::open(const config::Config& config) {
    if (!lanes)
        if (auto done = open(); !done) return done;
    for (const l4::Family family : {l4::Family::v4, l4::Family::v6}) {
        if (!wants_layer4(config, family)) continue;
        if (auto done = lanes->open_tap(family); !done) return done;
    }
    return {};
}

std::expected<void, std::string> Layer4::Impl::open() {
    auto opened_network = l4::Neighbours::open();
    if (!opened_network) return std::unexpected(opened_network.error());
    auto opened_guard = l4::KernelGuard::open();
    if (!opened_guard) return std::unexpected(opened_guard.error());
    open_fan_out();
    open_fast_path();
    const l4::Lanes::Shared shared{flows, fast_path.get(), fan_out ? fan_out->program() : -1};
    auto opened_lanes = l4::Lanes::open(threads, flows_max, shared);
    if (!opened_lanes) return std::unexpected(opened_lanes.error());
    network = std::move(*opened_network);
    guard = std::move(*opened_guard);
    lanes = std::move(*opened_lanes);
    return {};
}

// Without it one thread does all.
void Layer4::Impl::open_fan_out() {
    if (threads == 1 || fan_out) return;
    auto opened = l4::KernelFanOut::open();
    if (opened) {
        fan_out = std::move(*opened);
    } else {
        log.info(fmt::format("layer 4: one thread alone: {}", opened.error()));
        threads = 1;
    }
}

// Without it all works, by our own thread.
void Layer4::Impl::open_fast_path() {
    if (fast_path || !no_fast_path.empty()) return;
    auto opened = l4::KernelFastPath::open(fast_flows_max);
    if (opened)
        fast_path = std::move(*opened);
    else
        no_fast_path = opened.error();
    if (!fast_path) log.info(fmt::format("layer 4: no fast path: {}", no_fast_path));
}

// Interfaces, routes and neighbours, as the kernel has them now.
void Layer4::Impl::look() {
    auto found = network->interfaces();
    if (found != interfaces) {
        set_links(std::move(found));
        apply();
    }
    const bool confirm = looks++ % looks_per_confirmation == 0;
    look_later(set_hops(confirm) ? look_interval : look_interval_searching);
}

void Layer4::Impl::look_later(milliseconds interval) {
    timer.expires_after(interval);
    timer.async_wait([this](const boost::system::error_code& error) {
        if (!error && lanes) look();
    });
}

void Layer4::Impl::set_links(std::vector<l4::Interface> found) {
    interfaces = std::move(found);
    for (l4::Link& link : links) {
        const bool is_there = std::ranges::any_of(
            interfaces, [&](const l4::Interface& one) { return one.index == link.index; });
        if (!is_there) link.index = 0;
    }
    for (const l4::Interface& one : interfaces) {
        const l4::Link link{one.index, one.mac, one.mtu, l4::link_name(one.name)};
        auto place = std::ranges::find(links, one.index, &l4::Link::index);
        if (place == links.end()) place = std::ranges::find(links, 0, &l4::Link::index);
        if (place == links.end())
            links.push_back(link);
        else
            *place = link;
    }
    lanes->post([links = links](l4::Forwarder& forwarder) { forwarder.set_links(links); });
}

// False: a server's neighbour is still being looked for.
bool Layer4::Impl::set_hops(bool confirm) {
    const auto neighbours = network->neighbours();
    std::vector<l4::Hop> found(services->servers.size());
    bool all = true;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const l4::ServerEntry& server = services->servers[i];
        if (server.service == l4::ServerEntry::gone) continue;
        const auto route = network->route_to(server.ip);
        if (!route) continue;
        const auto link = std::ranges::find(links, route->interface, &l4::Link::index);
        if (link == links.end()) continue;
        const auto neighbour = std::ranges::find_if(neighbours, [&](const l4::Neighbour& one) {
            return one.interface == route->interface && one.ip == route->next;
        });
        const bool known = neighbour != neighbours.end();
        if (!known || confirm) network->look_for(route->interface, route->next);
        if (known)
            found[i] = {true, static_cast<std::uint16_t>(link - links.begin()), neighbour->mac,
                        route->network_bits};
        // One that is down is not waited for.
        else if (server.server->report().health != pool::Health::down)
            all = false;
    }
    if (found != hops) {
        hops = found;
        lanes->post(
            [found = std::move(found)](l4::Forwarder& forwarder) { forwarder.set_hops(found); });
    }
    return all;
}

// What the kernel is to show us, and what it is to leave alone.
void Layer4::Impl::apply() {
    std::vector<std::string> names;
    for (const l4::Interface& one : interfaces)
        names.push_back(one.name);
    // The kernel must not answer a packet that we take, nor drop one that we do not.
    if (auto done = guard->set(*services, names); !done) log.error(done.error());
    if (fast_path && !fast_path->attach(links))
        log.warn("layer 4: the fast path is not on all interfaces");
    if (fan_out && !fan_out->set_addresses(*services))
        log.error("layer 4: the kernel has no memory for all addresses");
    if (!lanes->watch(*services, links)) log.error("layer 4: the kernel refused the packet filter");
}

// Nobody may have asked `poise check`.
void Layer4::Impl::warn_of_forwarding() const {
    for (const auto& service : services->services) {
        if (!service->masquerade) continue;
        const bool v4 = Address{*service->masquerade, 0}.is_v4();
        if (!kernel_forwards(v4))
            log.warn(
                fmt::format("{}: masquerade needs a kernel that forwards IPv{} packets: poise "
                            "check tells how",
                            service->name, v4 ? 4 : 6));
    }
}

std::string Layer4::Impl::server_name(std::uint16_t number) const {
    if (number >= services->servers.size() || !services->servers[number].server) return {};
    return services->servers[number].server->name();
}

Layer4::Layer4(asio::any_io_executor executor, config::FastPath fast_path, unsigned threads,
               Log& log)
    : impl_(std::make_unique<Impl>(std::move(executor), fast_path, threads, log)) {}

Layer4::~Layer4() = default;

std::expected<void, std::string> Layer4::prepare(const config::Config& config) {
    return wants_layer4(config) ? impl_->open(config) : std::expected<void, std::string>{};
}

void Layer4::adopt(const proxy::Generation& generation) {
    if (!impl_->lanes) return;
    if (!impl_->numbers) impl_->numbers.emplace(impl_->threads);
    impl_->services = impl_->numbers->make(generation);
    impl_->lanes->post(
        [services = impl_->services](l4::Forwarder& forwarder) { forwarder.adopt(services); });
    impl_->set_links(impl_->network->interfaces());
    impl_->apply();
    impl_->warn_of_forwarding();
    impl_->look();
}

l4::FlowSync& Layer4::flows() {
    return impl_->flows;
}

void Layer4::servers_lost() {
    if (impl_->lanes) impl_->lanes->servers_lost();
}

void Layer4::stop() {
    impl_->timer.cancel();
    impl_->guard.reset();
    impl_->lanes.reset();
    impl_->fast_path.reset();
}

std::optional<Layer4Status> Layer4::status() const {
    if (!impl_->lanes || !impl_->services || impl_->services->services.empty()) return std::nullopt;
    return Layer4Status{impl_->lanes->flows(), impl_->lanes->fast_flows(), impl_->no_fast_path,
                        impl_->threads};
}

void Layer4::add_counts(ServiceStatus& status) const {
    if (!impl_->numbers || status.mode == "snat") return;
    const auto* counters = impl_->numbers->counters(status.name);
    if (counters == nullptr) return;
    std::array<std::uint64_t, static_cast<std::size_t>(l4::Drop::count_)> drops{};
    for (const auto& one : *counters) {
        status.connections += one->flows_begun.value();
        status.sessions += one->flows.value();
        status.datagrams_in += one->packets_in.value();
        status.datagrams_out += one->packets_out.value();
        status.bytes_in += one->bytes_in.value();
        status.bytes_out += one->bytes_out.value();
        for (std::size_t i = 0; i < drops.size(); ++i)
            drops[i] += one->drops[i].value();
    }
    for (std::size_t i = 0; i < drops.size(); ++i)
        if (drops[i] != 0)
            status.failures.emplace_back(l4::name(static_cast<l4::Drop>(i)), drops[i]);
}

std::shared_ptr<FlowList> Layer4::list_flows(const admin::ListFilter& filter) {
    if (!impl_->lanes || !impl_->services) return nullptr;
    auto list = std::make_shared<FlowList>(filter, impl_->services);
    look_for_flows(*impl_->lanes, 0, list);
    return list;
}

std::vector<Dropped> Layer4::last_drops() const {
    std::vector<Dropped> found;
    if (!impl_->lanes || !impl_->services) return found;
    const auto steady = std::chrono::steady_clock::now();
    const auto now = std::chrono::system_clock::now();
    const auto add = [&](const std::string& service, const l4::LastDrops& drops,
                         const auto& total) {
        for (const l4::DroppedPacket& one : drops.all()) {
            const auto age =
                std::chrono::duration_cast<std::chrono::system_clock::duration>(steady - one.at);
            found.push_back(
                {now - age, service, impl_->server_name(one.server), one, total(one.reason)});
        }
    };
    for (const auto& service : impl_->services->services)
        for (const auto& counters : service->counters)
            add(service->name, counters->last_drops, [&](l4::Drop reason) {
                return counters->drops[static_cast<std::size_t>(reason)].value();
            });
    for (const auto& lane : impl_->lanes->all())
        add("", lane->last_drops(), [&](l4::Drop reason) { return lane->drops(reason); });
    std::ranges::sort(found, std::ranges::greater{}, &Dropped::at);
    return found;
}

std::vector<std::pair<std::string, std::uint64_t>> Layer4::drops() const {
    std::vector<std::pair<std::string, std::uint64_t>> found;
    if (!impl_->lanes) return found;
    for (std::size_t i = 1; i < static_cast<std::size_t>(l4::Drop::count_); ++i) {
        const auto reason = static_cast<l4::Drop>(i);
        if (const std::uint64_t count = impl_->lanes->drops(reason); count != 0)
            found.emplace_back(l4::name(reason), count);
    }
    return found;
}

}  // namespace poise::app
