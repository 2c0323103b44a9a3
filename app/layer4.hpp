// Layer 4 of the running program: its threads, and what they are told of services and network.
#pragma once

#include "app/dropped.hpp"
#include "app/flow_list.hpp"
#include "app/status.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "l4/flow_sync.hpp"
#include "proxy/service.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poise::app {

/// Whether the service's clients are served packet by packet, and not by the workers.
inline bool is_layer4(const config::Service& service) {
    return service.mode != config::Mode::snat;
}

/// Belongs to the control thread. Holds nothing, no thread and no packet socket, before the first
/// service with mode dr or nat comes.
class Layer4 {
public:
    /// With so many threads, at most l4::threads_max, where the kernel can share packets out.
    Layer4(boost::asio::any_io_executor executor, config::FastPath fast_path, unsigned threads,
           Log& log);
    ~Layer4();
    Layer4(const Layer4&) = delete;
    Layer4& operator=(const Layer4&) = delete;

    /// Opens what the services of `config` need. To be called before each adopt(), which then
    /// cannot fail; an error tells what is missing.
    std::expected<void, std::string> prepare(const config::Config& config);
    void adopt(const proxy::Generation& generation);
    /// A server went down or was halted: its flows end.
    void servers_lost();
    /// Begins to look for flows; null: there are none, for no service is of layer 4.
    std::shared_ptr<FlowList> list_flows(const admin::ListFilter& filter);
    void stop();

    /// Where the pair takes our flows from and brings the peer's to. There from the start, with or
    /// without services of layer 4.
    l4::FlowSync& flows();

    /// Fills in what layer 4 has counted for the service.
    void add_counts(ServiceStatus& status) const;
    /// nullopt: no service is of layer 4.
    std::optional<Layer4Status> status() const;
    /// Drops that belong to no service, by name; none of them 0.
    std::vector<std::pair<std::string, std::uint64_t>> drops() const;
    /// Examples of dropped packets, of each service and of none; the newest first.
    std::vector<Dropped> last_drops() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace poise::app
