// A UDP socket of one worker that clients send to, and the sessions of those clients.
#pragma once

#include "base/address.hpp"
#include "base/pollable.hpp"
#include "base/task.hpp"
#include "base/waiter.hpp"
#include "proxy/datagram_batch.hpp"
#include "proxy/udp_report.hpp"
#include "proxy/udp_session.hpp"
#include "proxy/udp_table.hpp"
#include "proxy/worker.hpp"

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <unordered_set>

namespace poise::proxy {

class UdpListeners;

/// One coroutine serves the socket and all its sessions: what has come in a turn of the loop is
/// received and sent on in batches. Lives until it is closed and its last session has ended.
class UdpListener final : public Pollable {
public:
    /// `all` keeps it in its list; `batch` is the worker's.
    UdpListener(Worker& worker, UdpListeners& all, const Address& address, int fd,
                DatagramBatch& batch);
    ~UdpListener() override;

    const Address& address() const { return address_; }
    bool closing() const { return closing_; }

    /// Entry coroutine: serves until `listener` is closed, then deletes it.
    static Task<void> run(UdpListener* listener);

    /// New clients go to the service of this index in the current generation. Sessions whose server
    /// is there too go on with it; the others with what they have, for `timeouts.drain` at most.
    void serve(std::size_t service);
    /// Takes no new clients. Ends with its last session, each of which ends when it is quiet.
    void close_soon();
    /// A server was halted or went down, or the time of a service is over.
    void look_again();
    /// The address comes back while its old socket still serves the last clients: they go on here.
    void take_over(UdpListener& old);

    /// For sessions: they have something to read, or their time is over. Destroys nothing.
    void add_due(UdpSession& session);

private:
    using Due =
        boost::intrusive::list<UdpSession,
                               boost::intrusive::base_hook<boost::intrusive::list_base_hook<
                                   boost::intrusive::tag<UdpDueTag>,
                                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>>>,
                               boost::intrusive::constant_time_size<false>>;

    void turn();
    void serve_due();
    void relay(UdpSession& session);
    void send_replies();
    void take_from_clients();
    void empty_for_successor();
    UdpSession* find_or_begin(const UdpKey& key, unsigned datagrams);
    Reason why_not_begin();
    void forward(UdpSession& session, unsigned first, unsigned count);
    void send_on(UdpSession& session, unsigned first, unsigned count);
    bool reach(UdpSession& session, unsigned datagrams);
    void note_first_answer(UdpSession& session);
    void server_failed(UdpSession& session, int error);
    void end(UdpSession& session, Reason reason);
    void end_all(Reason reason);
    void look_at_sessions();
    std::unordered_set<const pool::RealServer*> current_servers() const;
    void touch(UdpSession& session);
    std::chrono::milliseconds limit_of(const UdpSession& session) const;
    std::size_t sessions_of_service() const;
    WorkerService& service() const { return *generation_->services[service_]; }
    void drop(Reason reason, unsigned datagrams, const Address& client, int error = 0);

    Worker& worker_;
    UdpListeners& all_;
    const Address address_;
    const UdpDoor door_;
    DatagramBatch& batch_;
    std::shared_ptr<WorkerGeneration> generation_;  // what new clients are served by
    std::size_t service_ = 0;
    UdpTable sessions_;
    Due due_;
    Burst burst_;  // of the clients
    UdpReporter reporter_;
    Waiter* sleeper_ = nullptr;
    UdpListener* successor_ = nullptr;  // has taken over: what still comes here is for its sessions
    bool closing_ = false;
    bool closing_seen_ = false;
    bool look_ = false;
};

}  // namespace poise::proxy
