// One request and its response: a state machine over the client's and the server's stream that
// moves what can be moved and says what it waits for.
#pragma once

#include "base/stream.hpp"
#include "proxy/body_pump.hpp"
#include "proxy/client.hpp"
#include "proxy/head.hpp"
#include "proxy/head_writer.hpp"
#include "proxy/incidents.hpp"
#include "proxy/request_id.hpp"
#include "proxy/upstream.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace poise::proxy {

/// What a request failed of.
struct Failure {
    Reason reason = Reason::none;
    Phase phase = Phase::request_head;
    std::optional<std::size_t> offset;
    int error = 0;     // errno, when the kernel said one
    std::string text;  // what else is known, for people; empty: nothing
};

/// When each phase ended, by the engine's clock; nullopt: not reached.
struct Phases {
    using TimePoint = Engine::Clock::time_point;
    TimePoint began;
    std::optional<TimePoint> got_server, connected, sent, responded;
};

/// What has been tried for a request, over all attempts.
struct Attempts {
    int count = 0;                             // connections tried, kept ones included
    const pool::RealServer* server = nullptr;  // the last one tried
    bool sent = false;                         // a byte went to a server, before the last one
};

/// Kept by the worker and used again, so that a request allocates nothing that the last one did
/// not. The session drives it: read_head, route, then for each attempt begin_attempt and step.
class Exchange {
public:
    explicit Exchange(BufferPool& buffers)
        : up_(buffers), down_(buffers), interim_(buffers), received_(buffers) {}

    /// A new one, of `client`.
    void begin(const Client& client);

    /// http2: it is the start of HTTP/2's preface, and that may be spoken here.
    enum class HeadState : std::uint8_t { needs_more, whole, client_gone, refused, http2 };
    /// Reads what the client has sent until the head is whole.
    HeadState read_head(Client& client);
    /// The same for a request whose fields have come with client.message. False: refused.
    bool take_head(Client& client);

    /// Follows the rules to a service and checks its limits. False: failure() says why not.
    bool route(Client& client);

    /// Ready to send over `upstream`, which is fresh or was reused.
    void begin_attempt(Client& client, std::unique_ptr<Stream> upstream, bool reused);

    enum class Step : std::uint8_t {
        again,   // yield, then step again
        waits,   // wants are set; sleep
        done,    // the response is out
        tunnel,  // the response was 101 and is out: relay bytes from now on
        retry,   // no response byte came and it is safe: begin another attempt
        failed,  // failure() says why; response_started() whether the client has seen bytes
    };
    Step step(Client& client);
    /// What a time-out means in the state that the exchange is in.
    void time_out();
    void fail(Failure failure) {
        failure_ = failure;
        if (failure.phase == Phase::connect) note_attempt();
    }

    bool upstream_reusable() const;
    bool client_reusable(const Client& client) const;
    /// NTLM or Negotiate is spoken: the server's connection belongs to this client.
    bool pins_upstream() const { return pins_; }
    void pin_upstream() { pins_ = true; }
    /// Drops the used up request from the client's buffer; what follows it stays.
    void consume_request(Client& client);
    /// Nothing of it is kept but memory.
    void reset();
    /// Copies the request's head, so that request() holds when the client's buffer is used on.
    void keep_head(const Client& client);

    const RequestHead& request() const { return request_; }
    /// Whether it wants a WebSocket, by an upgrade or by extended CONNECT (RFC 8441). A server
    /// that speaks HTTP/2 is asked for it by the latter.
    bool asks_websocket() const;
    int status() const { return status_; }
    const Failure& failure() const { return failure_; }
    bool response_started() const { return head_passed_ || down_.bytes_written() > 0; }
    bool response_whole() const { return receiving_ == Receiving::done; }
    bool request_whole() const { return request_done_; }
    std::string_view request_id() const { return id_; }
    const Address& effective_client() const { return effective_client_; }
    bool replayable() const;
    /// The same place under https, on the service's first listener with TLS.
    std::string https_location() const;
    /// Whether any server may have got a byte of it.
    bool reached_server() const {
        return attempts_.sent || fields_sent_ || up_.bytes_written() > 0;
    }
    const Attempts& attempts() const { return attempts_; }
    /// After a tunnel's 101: what the server has sent behind it.
    Buffer take_tunnel_start() { return down_.take_left_over(); }

    WorkerService* service = nullptr;  // whose pool serves it
    const config::Timeouts* timeouts = nullptr;
    Choice choice;
    std::unique_ptr<Stream> upstream;
    pool::UpstreamConnections::Use use;  // of `upstream`, unless it is this client's alone
    PinnedUpstreams::Loan loan;          // of `upstream`, when it is this client's alone
    Phases phases;
    int retries = 0;
    bool reused = false;
    bool fresh_only = false;  // no kept connection any more: one of them was dead

    std::uint64_t bytes_in = 0;  // of the client, counted at the end
    std::uint64_t bytes_out = 0;
    void note_bytes(std::size_t answer_bytes);

    /// For an answer of ours.
    void ensure_request_id(Client& client);
    void set_status(int status) { status_ = status; }

private:
    enum class Receiving : std::uint8_t { head, interim, body, done };

    bool parse_head(Client& client, std::size_t length);
    bool refuse(Reason reason, Phase phase, std::size_t offset = 0);
    void take_request_id(Client& client);
    bool step_request(Client& client);   // false: failure_ is set
    bool step_response(Client& client);  // false: failure_ is set, or retry_ or tunnel
    bool read_response_head(Client& client);
    bool on_response_head(Client& client, std::size_t length);
    bool note_response_head(Client& client);
    void start_interim(Client& client);
    void start_response(Client& client);
    void pass_response_head(MessageStream& to, const ResponseHeadContext& context,
                            BodyPump::Message& message);
    bool read_response_fields_of(Client& client);
    void drop_response_head();
    void note_credentials();
    void send_upstream_head(Client& client, BodyPump::Message& message);
    Reason client_fault(const Client& client) const;
    void note_authentication();
    bool switches_as_asked() const;
    bool connects() const;
    std::string accept_for_client() const;
    bool on_upstream_end(int error);
    bool server_lost();  // true: failure_ is set, or retry_, too
    bool too_slow(const Client& client);
    void arm(Client& client);
    void set_deadline(Client& client);
    Phase phase() const;
    void note_attempt() {
        ++attempts_.count;
        attempts_.server = choice.server();
    }

    RequestHead request_;
    ResponseHead response_;
    BodyPump up_, down_, interim_;
    Buffer received_;  // of the server, while its head is not whole
    std::string upstream_head_;
    std::string downstream_head_;
    std::string kept_head_;
    std::string id_;
    Address effective_client_;
    Failure failure_;
    Attempts attempts_;
    std::size_t head_bytes_ = 0;  // of the request, at the start of client.in
    std::size_t head_scanned_ = 0;
    std::size_t response_scanned_ = 0;
    std::size_t response_head_bytes_ = 0;        // at the start of received_
    MessageStream* upstream_message_ = nullptr;  // `upstream`, when it speaks HTTP/2
    std::uint64_t moved_before_ = 0;
    Framing framing_out_ = Framing::none;  // of the response
    Receiving receiving_ = Receiving::head;
    int status_ = 0;
    BodyPump::State up_state_ = BodyPump::State::again;
    BodyPump::State down_state_ = BodyPump::State::again;
    bool request_done_ = false;
    bool request_abandoned_ = false;  // the server takes no more of it
    bool fields_sent_ = false;  // the request's, to a server that has not said that it ignores them
    bool head_passed_ = false;  // of the response, as fields
    bool retry_ = false;
    bool tunnel_ = false;
    bool pins_ = false;
    bool keep_client_ = false;
    bool upstream_spoiled_ = false;  // by a 1xx that was odd: not to be used again
    bool tls_ = false;               // the client speaks TLS
    bool any_response_byte_ = false;
    bool waiting_for_head_ = false;
};

/// Whether the field value's scheme authenticates a connection instead of a request.
bool authenticates_connection(std::string_view credentials_or_challenge);

}  // namespace poise::proxy
