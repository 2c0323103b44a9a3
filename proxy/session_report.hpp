// What is counted, logged and kept of a finished exchange or TCP session.
#pragma once

#include "proxy/client.hpp"
#include "proxy/exchange.hpp"

namespace poise::proxy {

/// Counts the exchange, writes its access log line and, when it failed, keeps an incident.
void report_exchange(Client& client, Exchange& exchange);

/// The same for a TCP session; `server_name` may be empty.
struct TcpReport {
    std::string_view server_name;
    WorkerService* service = nullptr;  // whose pool serves it
    Failure failure;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    Engine::Clock::time_point began;
    int attempts = 0;
};
void report_tcp_session(Client& client, const TcpReport& report);

/// Something went wrong before there was an exchange (a PROXY header, a limit).
void report_early_failure(Client& client, const Failure& failure);

}  // namespace poise::proxy
