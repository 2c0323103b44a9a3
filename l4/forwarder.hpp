// Decides what happens to each packet: a packet in, a verdict and the changed packet out. No I/O.
#pragma once

#include "base/hash.hpp"
#include "l4/answer.hpp"
#include "l4/drop_reason.hpp"
#include "l4/fast_flows.hpp"
#include "l4/flow_sync.hpp"
#include "l4/flow_table.hpp"
#include "l4/flow_teller.hpp"
#include "l4/fragments.hpp"
#include "l4/last_drops.hpp"
#include "l4/packet.hpp"
#include "l4/services.hpp"
#include "l4/thread_of.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace poise::l4 {

/// A packet from the network. The forwarder changes `frame` and `offload` in place.
struct Input {
    std::span<std::uint8_t> frame;  // from the Ethernet header on
    Offload offload;
    std::uint16_t link = 0;  // that it came over
};

enum class Action : std::uint8_t {
    send,    // the frame, over `link`
    cut,     // it goes on in pieces, which stand among the answers
    drop,    // for `reason`, which has been counted
    ignore,  // it is none of ours: the kernel has it, too
};

struct Verdict {
    Action action = Action::ignore;
    Drop reason = Drop::none;
    std::uint16_t link = 0;
};

/// At most so many a second.
struct AnswerRate {
    unsigned per_second;
    std::chrono::steady_clock::time_point since{};
    unsigned count = 0;

    bool take(std::chrono::steady_clock::time_point now);
};

/// One a layer-4 thread, on that thread alone. Flows of one client are always on one thread.
class Forwarder {
public:
    using Clock = std::chrono::steady_clock;

    /// At most so many packets of our own for each call of handle() or advance(): of a whole batch
    /// of packets each may be cut into two, and some answered.
    static constexpr std::size_t answers_max = 192;
    /// Of each kind of word to a sender whose packet goes no further.
    static constexpr unsigned too_big_per_second = 1'000;
    static constexpr unsigned time_exceeded_per_second = 200;
    /// With more half-open flows than this persistence waits for the handshake's end.
    static constexpr std::size_t half_open_calm = 4'096;

    /// A flow goes by the fast path once it has had so many packets: most have less, and are not
    /// worth the way.
    static constexpr unsigned fast_from_packets = 16;

    /// The thread's number is which of the services' counters are its own, and of the flows that
    /// the peer tells. `fast` may be null, and outlives it.
    Forwarder(ThreadNumber thread, std::size_t flows_max, HashKey secret, FastPath* fast = nullptr);
    ~Forwarder();
    Forwarder(const Forwarder&) = delete;
    Forwarder& operator=(const Forwarder&) = delete;

    /// From now on these services, links and hops. Numbers keep their meaning from call to call;
    /// flows of servers that are gone end soon.
    void adopt(std::shared_ptr<const Services> services);
    void set_links(std::vector<Link> links);
    void set_hops(std::vector<Hop> hops);  // by the servers' numbers

    /// A verdict for each packet. Never blocks.
    void handle(std::span<Input> inputs, std::span<Verdict> verdicts, Clock::time_point now);
    Verdict handle(Input& input, Clock::time_point now) {
        Verdict verdict;
        handle({&input, 1}, {&verdict, 1}, now);
        return verdict;
    }

    /// A server went down or was halted: its flows are looked for and ended by advance().
    void servers_lost();

    /// Ends what has expired, and goes on with what servers_lost() began. Often.
    void advance(Clock::time_point now);

    bool sweeping() const { return sweeping_; }

    /// Tells the peer what has changed and takes over what it has told: a bounded part of each.
    /// Often, between two batches of packets.
    void exchange(FlowSync& sync, Clock::time_point now);
    /// Something waits to be told.
    bool has_news() const { return teller_.has_news(); }
    bool is_telling() const { return teller_.listening(); }

    /// Packets of our own that are to be sent; to be cleared by clear_answers().
    std::span<const Answer> answers() const { return std::span(answers_).first(answer_count_); }
    void clear_answers() { answer_count_ = 0; }

    const FlowTable& flows() const { return flows_; }
    /// Of these, so many go by the fast path.
    std::size_t fast_flows() const { return fast_.size(); }
    const std::vector<Link>& links() const { return links_; }
    /// Packets that no service could be found for, or that were broken. Any thread.
    const DropCounters& drops() const { return drops_; }
    const LastDrops& last_drops() const { return last_drops_; }
    /// So many were lost before or after handle().
    void lost(Drop reason, std::size_t packets);

private:
    struct Work;    // one packet on its way through
    struct View;    // a service with what this thread keeps of it
    struct Server;  // a real server likewise, as long as it has flows here

    void handle_group(std::span<Input> inputs, std::span<Verdict> verdicts);
    Verdict dispatch(Work& work);
    Verdict from_client(Work& work, const PortRange& row);
    Verdict from_server(Work& work);
    Verdict later_fragment(Work& work);
    Verdict to_server(Work& work, const Flow& flow);
    Verdict to_client(Work& work, const Flow& flow);
    Verdict one_datagram(Work& work, const PortRange& row);
    Verdict sent(Work& work, std::uint16_t link, const Mac& to);
    Verdict sent_in_pieces(Work& work, std::uint16_t link, const Mac& to);

    // ICMP errors about flows; forwarder_icmp.cpp.
    Verdict about_flow(Work& work);
    Verdict error_to_server(Work& work, PacketView& inner, const Flow& flow);
    Verdict error_to_client(Work& work, PacketView& inner, const Flow& flow);

    // Flows; forwarder_flow.cpp.
    Flow* find_from_server(const PacketView& packet);
    Flow* begin_flow(Work& work, const PortRange& row, std::uint16_t server);
    std::uint16_t choose(Work& work, View& view, bool adopting);
    std::uint16_t choose_anew(Work& work, View& view, bool adopting);
    Flow* known_flow(Work& work, const PortRange& row);
    void remember_client(const Flow& flow);
    void note_client_packet(Flow& flow, const Work& work, bool first);
    void note_server_packet(Flow& flow, const Work& work);
    void release(Flow& flow);
    void end_flow(Flow& flow);
    void reset_client(Flow& flow);
    void sweep();

    // The fast path; forwarder_fast.cpp.
    void offer_fast(Flow& flow, const View& view);
    bool may_be_fast(const Flow& flow, const View& view) const;
    std::size_t make_directions(const Flow& flow, const View& view,
                                std::span<FastDirection, 2> to) const;
    void note_fast(Flow& flow, const FastPassed& passed);
    void end_fast(Flow& flow);
    void look_at_fast();

    // Clients in the servers' network, and pairs of ports; forwarder_aside.cpp.
    bool is_neighbour(const Ip& client, std::uint16_t server) const;
    Flow* find_alias(const Flow& flow, std::uint16_t port);
    Flow* flow_of(const Flow& alias);
    bool give_alias(Flow& flow);
    void place_alias(const Flow& flow);
    void keep_alias(const Flow& flow);
    std::uint16_t paired_server(const Work& work, const PortRange& row);
    void remember_pair(const Flow& flow);

    // The pair; forwarder_sync.cpp.
    void note_servers();
    void tell_flows(FlowSync& sync, Clock::time_point now);
    FlowRecord record_of(const Flow& flow) const;
    void adopt_flow(const FlowRecord& record);
    void update_flow(Flow& flow, const FlowRecord& record);

    bool serves(std::uint16_t server) const;
    std::uint16_t server_port(const Flow& flow) const;
    const Ip& server_ip(const Flow& flow) const { return services_->servers[flow.server].ip; }
    Verdict drop(Work& work, Drop reason);
    Verdict drop_broken(const Input& input, Drop reason);
    void keep_example(LastDrops& drops, const Work& work, Drop reason) const;
    bool fits(const Work& work, std::uint16_t link) const;
    Verdict too_big(Work& work, std::uint16_t link);
    Verdict time_exceeded(Work& work);
    bool may_be_cut(const Work& work, std::uint16_t link) const;
    Answer* next_answer();

    const ThreadNumber thread_;
    FastFlows fast_;
    FlowTable flows_;
    Fragments fragments_;
    std::shared_ptr<const Services> services_;
    std::vector<std::unique_ptr<View>> views_;  // by the services' numbers
    std::vector<Server> servers_;               // by the servers' numbers
    std::vector<Link> links_;
    std::vector<Hop> hops_;
    std::vector<Answer> answers_;
    std::size_t answer_count_ = 0;
    DropCounters drops_;
    LastDrops last_drops_;
    Clock::time_point now_;
    AnswerRate too_big_rate_{too_big_per_second};
    AnswerRate time_exceeded_rate_{time_exceeded_per_second};
    bool sweeping_ = false;
    std::size_t sweep_at_ = 0;
    FlowTeller teller_;
    std::uint32_t told_era_ = 0;  // FlowSync::era() that teller_ knows of
    AdoptStatus adopting_;
    std::unordered_map<std::uint64_t, std::uint16_t> servers_by_id_;
};

}  // namespace poise::l4
