// The configuration as values: what poise.yaml and node.yaml say after reading and checking.
// Other folders see this header alone of config/. Every default stands here and nowhere else.
#pragma once

#include "base/address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poise::config {

using std::chrono::milliseconds;

enum class Mode { snat, nat, dr };
enum class Protocol { http, tcp, udp, rdp, ftp, dns, sip, rtp };
/// What the clients of a service send: bytes of connections, or datagrams.
enum class Transport { tcp, udp };
constexpr Transport transport_of(Protocol protocol) {
    return protocol == Protocol::udp ? Transport::udp : Transport::tcp;
}
enum class Algorithm { rr, wrr, lc, wlc, dh, sh, maglev, random2, least_time };
enum class CheckKind { none, tcp, http, tls, dns, smtp, script };
enum class PersistenceMethod { none, cookie, source, header, rdp };  // sip: a later issue
enum class Preset { none, exchange, sharepoint, lync, rdp, rdgateway };
enum class Forwarded { append, replace, off };
enum class ProxyProtocol { off, v1, v2 };
enum class Alpn { h2, http1 };
enum class TlsVersion { tls12, tls13 };
enum class ClientCertificate { off, optional, required };
enum class LogFormat { text, json };
enum class LogLevel { debug, info, warn, error };
enum class IoEngine { automatic, io_uring, epoll };
enum class FastPath { automatic, off };

/// Every wait has a limit. Idle limits restart with each byte that moves; none limits a total.
struct Timeouts {
    milliseconds connect{5'000};      // TCP connect to a real server
    milliseconds header{15'000};      // a client's whole request head; 408 past it
    milliseconds handshake{10'000};   // TLS handshake, PROXY header, first packet
    milliseconds idle{60'000};        // no byte of a body moved in either direction
    milliseconds keep_alive{60'000};  // a client connection between two requests
    milliseconds response{60'000};    // from the request's last byte to the response head; 504
    milliseconds tunnel{3'600'000};   // no byte moved on an upgraded connection
    milliseconds queue{30'000};       // waiting for a server below its max_connections; 503
    milliseconds drain{30'000};       // how long stop and removal wait for running sessions
    std::uint64_t min_rate = 0;       // bytes/s that a request body must keep; 0: no limit

    bool operator==(const Timeouts&) const = default;
};
constexpr milliseconds tcp_idle_default{600'000};     // `idle` of a service with protocol tcp
constexpr milliseconds rdp_idle_default{43'200'000};  // people leave sessions open over a break
constexpr milliseconds rdp_handshake_default{5'000};  // a client speaks at once
constexpr milliseconds rdp_persistence_default{86'400'000};  // its last use is the last connect
constexpr milliseconds udp_idle_default{60'000};

/// Limits on what a client may send before it is refused (431, 414, 413).
struct Limits {
    std::uint32_t header_bytes = 65'536;  // the whole head; Kerberos tickets are large
    std::uint32_t header_fields = 100;
    std::uint32_t request_line_bytes = 16'384;
    std::uint64_t body_bytes = 0;         // 0: no limit
    std::uint32_t queue_length = 1'024;   // requests waiting for a server, per service
    std::uint32_t udp_sessions = 16'384;  // clients of a service with protocol udp at once

    bool operator==(const Limits&) const = default;
};

struct HealthCheck {
    CheckKind check = CheckKind::tcp;
    milliseconds interval{2'000};
    milliseconds timeout{1'000};
    int fall = 3;                       // failures in a row until down
    int rise = 2;                       // successes in a row until up
    std::optional<std::uint16_t> port;  // probe this port instead of the server's
    std::string path = "/";             // http
    std::string host;                   // http Host, tls SNI; empty: the server's address
    std::string method = "GET";         // http
    std::vector<int> expect{200};       // http status codes
    std::string body;                   // http: text that the body must contain; empty: any
    std::string query;                  // dns: the name asked for
    std::string script;                 // script: path; arguments VIP, VPORT, server, port
    bool passive = true;                // failures of real traffic count too
    int passive_fall = 5;               // such failures in a row until down

    bool operator==(const HealthCheck&) const = default;
};

struct Agent {
    std::uint16_t port = 3333;
    milliseconds interval{5'000};
    milliseconds timeout{1'000};

    bool operator==(const Agent&) const = default;
};

struct Persistence {
    PersistenceMethod method = PersistenceMethod::none;
    std::string name = "POISE";       // cookie or header name
    milliseconds timeout{1'800'000};  // since last use
    int mask = 32;                    // source: IPv4 bits
    int mask6 = 128;                  // source: IPv6 bits
    std::uint32_t entries = 262'144;  // table bound (source, header, rdp)
    bool http_only = true;            // cookie: scripts of the page cannot read it

    bool operator==(const Persistence&) const = default;
};

struct Server {
    std::string name;  // unique in the service
    std::string host;  // address text or DNS name
    std::uint16_t port = 0;
    std::optional<Address> address;  // set when `host` is an address; else resolved while running
    int weight = 100;                // 0-256; 0 drains
    std::uint32_t max_connections = 0;  // 0: no limit
    bool backup = false;                // used only when no other is up
    bool http2 = false;                 // speaks HTTP/2: with prior knowledge, or by ALPN
    bool tls = false;                   // as the service's server_tls says

    bool operator==(const Server&) const = default;
};

/// A listener that speaks TLS. Paths are absolute, or start at the working folder.
struct ListenTls {
    bool enabled = false;
    TlsVersion min_version = TlsVersion::tls12;
    std::string ciphers;  // for TLS 1.2, OpenSSL's list; empty: ours
    ClientCertificate client_certificate = ClientCertificate::off;
    std::string client_ca;   // whose client certificates are accepted; a PEM file
    std::string client_crl;  // those revoked; a PEM file

    bool operator==(const ListenTls&) const = default;
};

/// TLS towards the servers that have it.
struct ServerTls {
    TlsVersion min_version = TlsVersion::tls12;
    bool verify = true;  // the certificate must be of a trusted authority, and for this name
    std::string ca;      // trusted authorities, a PEM file; empty: those of the system
    std::string name;    // SNI and name in the certificate; empty: each server's own
    std::string cert;    // shown to servers that ask for one; empty: none
    std::string key;

    bool operator==(const ServerTls&) const = default;
};

/// Strict-Transport-Security (RFC 6797) in responses over TLS.
struct Hsts {
    milliseconds max_age{0};  // 0: not sent
    bool include_subdomains = false;
    bool preload = false;

    bool operator==(const Hsts&) const = default;
};

struct Certificate {
    std::string cert;            // the chain, a PEM file
    std::string key;             // the private key, a PEM file
    bool ocsp_stapling = false;  // ask the responder that the certificate names, and staple

    bool operator==(const Certificate&) const = default;
};

struct Listen {
    Address address;              // 0.0.0.0:port, [::]:port (which takes IPv4 too) or an exact one
    std::uint16_t port_last = 0;  // layer 4: the last port of a range; 0: address.port alone
    bool proxy_protocol = false;  // a PROXY header (v1 or v2) must come first
    std::vector<Alpn> alpn{Alpn::h2, Alpn::http1};  // in the order of preference
    ListenTls tls;

    bool operator==(const Listen&) const = default;
};

/// A last resort outside of the pool: a server, or an answer.
struct Fallback {
    std::optional<Server> server;
    int status = 503;
    std::string body;  // read from body_file when the configuration is loaded
    std::string body_file;

    bool operator==(const Fallback&) const = default;
};

/// All that is given must hold. Empty means "any". Services of protocol tcp have sni and source,
/// those of http all but sni.
struct Match {
    std::vector<std::string> host;  // exact, or "*.example.com"; case-insensitive, no port
    std::vector<std::string> path;  // exact
    std::vector<std::string> path_prefix;
    bool ignore_case = false;  // of the paths
    std::vector<std::string> method;
    std::vector<std::pair<std::string, std::string>> header;  // name, value; empty value: present
    std::vector<Prefix> source;                               // the client's address
    std::vector<std::string> sni;  // tcp: the name in the TLS ClientHello; as host

    bool operator==(const Match&) const = default;
};

struct Rule {
    Match match;
    std::string use;                   // the service whose pool takes it; empty: this one's
    std::optional<Timeouts> timeouts;  // the whole set in force for this rule, overrides applied

    bool operator==(const Rule&) const = default;
};

/// What layer 4 (modes dr and nat) knows beyond a service's other settings.
struct Layer4 {
    milliseconds established{900'000};  // a TCP flow without packets
    milliseconds closing{120'000};      // after a FIN
    milliseconds opening{30'000};       // a SYN without its handshake
    milliseconds datagram{300'000};     // a UDP flow without packets
    bool one_packet = false;            // udp: each datagram is scheduled alone
    bool rtp_pairs = false;             // udp: an even port and the odd one after it go together
    bool masquerade = false;            // nat: the servers' own outgoing connections too
    bool reset_clients = true;          // nat, tcp: RST to the clients of a server that is gone
    bool adopt = true;                  // a packet in mid-stream without a flow makes one

    bool operator==(const Layer4&) const = default;
};

struct Service {
    std::string name;
    Mode mode = Mode::snat;
    Protocol protocol = Protocol::http;
    Preset preset = Preset::none;  // what it stands for is in the other members
    std::vector<Listen> listen;    // empty: reached only by a rule's `use`
    Algorithm scheduler = Algorithm::wlc;
    milliseconds slow_start{0};  // a server that comes up reaches its weight over this time
    Timeouts timeouts;
    Limits limits;
    HealthCheck health;
    std::optional<Agent> agent;
    Persistence persistence;
    Forwarded forwarded = Forwarded::append;
    std::vector<Prefix> trusted_proxies;
    ProxyProtocol send_proxy = ProxyProtocol::off;  // header sent to the servers
    int retries = 2;                                // attempts on other servers after the first
    /// udp: a session ends when each datagram of the client has had so many answers; 0: servers do
    /// not answer. Without it sessions end by `timeouts.idle` alone.
    std::optional<std::uint32_t> expect_replies;
    std::vector<Rule> rules;
    std::vector<Server> servers;
    std::optional<Fallback> fallback;
    ServerTls server_tls;
    Hsts hsts;
    bool redirect_http = false;  // listeners without TLS answer 308 to https
    Layer4 layer4;

    bool operator==(const Service&) const = default;
};

/// An address that exactly one node of the pair holds.
struct FloatingAddress {
    Address address;        // its port is 0
    int prefix_length = 0;  // of the network: 24 of 10.0.0.100/24; 32 or 128 for the address alone
    std::string interface;  // the network interface that carries it

    bool operator==(const FloatingAddress&) const = default;
};

/// poise.yaml: what is balanced.
struct Config {
    std::vector<Service> services;          // in the order of the file
    std::vector<Certificate> certificates;  // likewise; the first is for clients without SNI
    std::vector<FloatingAddress> floating_ips;

    bool operator==(const Config&) const = default;
};

enum class AccessLog { off, all };
enum class Role { master, slave };
enum class Failback { manual, automatic };

/// The web page and the REST API. An address without a value is not listened on.
struct Admin {
    std::optional<Address> http;
    std::optional<Address> https;
    std::string users_file;  // empty: users.yaml beside node.yaml
    std::string state_dir;   // certificate, history, audit log; empty: the default place

    bool operator==(const Admin&) const = default;
};

/// The other node of the pair. The n-th of `bind` is the path to the n-th of `peers`.
struct Cluster {
    std::string key_file;  // empty: no pair
    std::vector<Address> bind;
    std::vector<Address> peers;
    Role role = Role::master;  // who is preferred; who is active is decided at run time
    milliseconds heartbeat{10};
    Failback failback = Failback::manual;
    std::string hook;  // a program run at each change of owner; empty: none

    bool operator==(const Cluster&) const = default;
};

enum class SmtpTls { starttls, always, off };

/// What an alert is about.
enum class AlertKind { server, service, pair, certificate, config };

/// Alerts by e-mail.
struct AlertMail {
    std::string server;  // "mail.example.com:587"
    SmtpTls tls = SmtpTls::starttls;
    std::string from;
    std::vector<std::string> to;
    std::string user, password_file;  // empty: the server wants no name
    std::string ca_file;              // empty: the system's authorities

    bool operator==(const AlertMail&) const = default;
};

/// Alerts as JSON, sent by POST. One of url and url_file is given.
struct AlertWebhook {
    std::string url, url_file;
    std::string token_file;  // sent as a bearer token; empty: none
    std::string ca_file;     // empty: the system's authorities

    bool operator==(const AlertWebhook&) const = default;
};

/// Whom this node tells what is wrong, and how often.
struct Alerts {
    std::vector<AlertKind> events{AlertKind::server, AlertKind::service, AlertKind::pair,
                                  AlertKind::certificate, AlertKind::config};
    milliseconds group{10'000};  // what happens within it makes one message
    std::uint32_t messages_per_hour = 20;
    std::uint32_t certificate_days = 14;  // so long before its end a certificate is told of
    std::optional<AlertMail> smtp;
    std::optional<AlertWebhook> webhook;

    bool operator==(const Alerts&) const = default;
};

/// node.yaml: who this machine is.
struct Node {
    std::string name;  // empty: the host name
    int workers = 0;   // 0: one a core
    IoEngine io = IoEngine::automatic;
    FastPath fast_path = FastPath::automatic;
    std::string control;                // path of the control socket; empty: the default place
    std::uint32_t max_connections = 0;  // client connections in all; 0: what the file limit allows
    LogLevel log_level = LogLevel::info;
    LogFormat log_format = LogFormat::text;
    AccessLog access_log = AccessLog::off;
    std::string log_file;  // empty: standard output
    Admin admin;
    Cluster cluster;
    Alerts alerts;

    bool operator==(const Node&) const = default;
};

/// The words of the configuration for an enum value, as written in the file ("wlc", "least_time").
std::string_view word(Mode);
std::string_view word(Protocol);
std::string_view word(Algorithm);
std::string_view word(CheckKind);
std::string_view word(PersistenceMethod);
std::string_view word(Forwarded);
std::string_view word(ProxyProtocol);
std::string_view word(TlsVersion);
std::string_view word(ClientCertificate);
std::string_view word(AlertKind);

}  // namespace poise::config
