// tcp: the server accepts a connection.
#include "pool/conversation.hpp"
#include "pool/probe.hpp"

namespace poise::pool {

Task<std::string> probe_tcp(const config::HealthCheck& check, const ProbeTarget& target) {
    Conversation conversation(co_await this_executor(), check.timeout);
    co_return co_await conversation.connect(target.server);
}

}  // namespace poise::pool
