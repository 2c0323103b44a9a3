// Makes what layer 4 knows of services from a generation of the configuration.
#pragma once

#include "base/address.hpp"
#include "l4/services.hpp"
#include "proxy/service.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace poise::app {

/// Gives servers, addresses and counters their numbers, which they keep from generation to
/// generation: flows refer to them. Control thread.
class Layer4Services {
public:
    /// Numbers are 16 bits wide and not given twice: so many servers and addresses one process
    /// can have seen. What comes later is not served.
    static constexpr std::size_t numbers_max = 60'000;

    explicit Layer4Services(unsigned threads) : threads_(threads) {}

    std::shared_ptr<const l4::Services> make(const proxy::Generation& generation);

    /// Of a service that was made; null: of none.
    const std::vector<std::shared_ptr<l4::ServiceCounters>>* counters(
        const std::string& service) const;

private:
    std::shared_ptr<l4::Service> make_service(const proxy::Service& service,
                                              l4::Services& services);
    std::uint16_t number_of(const std::string& service,
                            const std::shared_ptr<pool::RealServer>& server);
    std::uint16_t vip_of(const l4::Ip& ip);

    const unsigned threads_;
    std::vector<l4::ServerEntry> servers_;
    std::vector<l4::Ip> vips_;
    std::map<std::pair<std::string, const pool::RealServer*>, std::uint16_t> numbers_;
    std::map<std::string, std::vector<std::shared_ptr<l4::ServiceCounters>>> counters_;
};

}  // namespace poise::app
