// Servers' connections that belong to one client alone.
#pragma once

#include "base/stream.hpp"
#include "base/wait_line.hpp"
#include "base/waiter.hpp"
#include "pool/real_server.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poise::proxy {

struct Service;
struct WorkerGeneration;

/// After NTLM or Negotiate, which authenticate a connection and not a request, or when a PROXY
/// header on it names the client.
struct PinnedUpstream {
    std::unique_ptr<Stream> stream;
    pool::RealServer* server = nullptr;            // kept alive by `generation`
    const Service* service = nullptr;              // likewise
    std::shared_ptr<WorkerGeneration> generation;  // of the last request over it
    bool authenticated = false;                    // by NTLM or Negotiate
};

/// At most one for each service that the client's requests went to, and `most` in all: the oldest
/// is closed. Belongs to one client.
class PinnedUpstreams {
public:
    /// While one is on loan to a request, others that need it wait: those of an HTTP/2 connection
    /// come at once.
    class Loan {
    public:
        Loan() = default;
        Loan(Loan&& other) noexcept;
        Loan& operator=(Loan&& other) noexcept;
        ~Loan() { end(); }
        void end();  // the next in line is called

    private:
        friend class PinnedUpstreams;
        Loan(PinnedUpstreams& of, std::string service) : of_(&of), service_(std::move(service)) {}
        PinnedUpstreams* of_ = nullptr;  // null: of none
        std::string service_;
    };

    static constexpr std::size_t most = 8;

    /// The connection for `service`, which may be of a later generation than when it was kept, if
    /// it is still good and its server is still of the service. One that is not is closed.
    std::optional<PinnedUpstream> take(const Service& service);
    void put(PinnedUpstream pinned);

    Loan lend(const Service& service);
    bool is_lent(const Service& service) const;
    WaitLine& line() { return kept().line; }  // of those who wait for a loan's end

    /// A server has ended a connection on which this client had authenticated: the client's own
    /// connection, which it believes to be authenticated, is to end, too.
    bool lost() const;
    /// Wakes `waiter`, who then asks lost().
    void watch(Waiter& waiter);

private:
    struct Kept {
        std::vector<PinnedUpstream> all;  // oldest first
        std::vector<std::string> lent;    // of these services
        WaitLine line;
    };
    Kept& kept();

    std::unique_ptr<Kept> kept_;  // null until it is needed: most clients never need it
};

}  // namespace poise::proxy
