// The addresses of host names, looked up on threads of its own: the system's call cannot be
// stopped, and waits for a silent name server as long as resolv.conf says.
#pragma once

#include "base/address.hpp"
#include "base/task.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace poise::pool {

struct Resolved {
    std::vector<Address> found;  // in the system's order, with the port asked for
    std::string wrong;           // why there is none: "Name or service not known"
};

/// getaddrinfo(). Blocks. The addresses have port 0.
Resolved system_look_up(const std::string& host);

struct ResolverOptions {
    /// Blocks as long as it likes; called by several threads at once.
    std::function<Resolved(const std::string& host)> look_up = system_look_up;
    std::chrono::milliseconds limit{5'000};  // how long an asker waits
    unsigned threads_max = 16;               // names that are looked up at the same time
};

/// A name is looked up once at a time, however many ask, so a silent name server holds one thread
/// a name. Threads end when there is nothing to look up. Belongs to the control thread.
class Resolver {
public:
    explicit Resolver(ResolverOptions options = {});
    /// Never waits. A look-up that is under way ends by itself; nobody hears of it.
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Ends within the limit; when cancelled, at once. The resolver may go meanwhile.
    Task<Resolved> resolve(std::string host, std::uint16_t port) const;

    unsigned threads() const;  // that have not ended yet

private:
    struct Shared;
    static Task<Resolved> ask(std::shared_ptr<Shared> shared, std::string host, std::uint16_t port);
    static void run(const std::shared_ptr<Shared>& shared);

    std::shared_ptr<Shared> shared_;  // with the threads
};

}  // namespace poise::pool
