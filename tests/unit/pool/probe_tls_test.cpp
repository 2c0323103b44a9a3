// Health checks by TLS handshake, against a scripted server with a certificate.
#include "pool/probe.hpp"
#include "tests/unit/pool/scripted_server.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

namespace {

// A key and a certificate that nobody signed but itself, valid for an hour.
void use_self_signed(SSL_CTX* context) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct TlsServer {
    explicit TlsServer(asio::io_context& io) : acceptor(io, {asio::ip::address_v4::loopback(), 0}) {
        use_self_signed(context.native_handle());
    }

    // One handshake, then reads until the client closes.
    static Task<void> run(TlsServer* self) {
        auto socket = co_await self->acceptor.async_accept(asio::use_awaitable);
        asio::ssl::stream<tcp::socket> stream(std::move(socket), self->context);
        constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
        auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::server, use_tuple);
        if (failed) co_return;
        const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
        self->server_name = name != nullptr ? name : "";
        char byte = 0;
        auto [ec, bytes] = co_await stream.async_read_some(asio::buffer(&byte, 1), use_tuple);
        self->closed_cleanly = ec == asio::error::eof;
    }

    tcp::acceptor acceptor;
    asio::ssl::context context{asio::ssl::context::tls_server};
    std::string server_name = "none yet";
    bool closed_cleanly = false;
};

Task<void> keep_result(config::HealthCheck check, ProbeTarget target, ProbeResult* into) {
    *into = co_await run_probe(check, target);
}

}  // namespace

TEST_SUITE("pool/probe_tls") {
    TEST_CASE("a completed handshake is enough, with whatever certificate and version") {
        struct Row {
            const char* host;  // of the check
            const char* configured;
            const char* server_name;
            int version_max;
        };
        for (const auto& row :
             {Row{"", "web.example", "web.example", TLS1_3_VERSION},
              Row{"other.example", "web.example", "other.example", TLS1_2_VERSION},
              Row{"", "127.0.0.1", "", TLS1_3_VERSION}}) {
            CAPTURE(row.server_name);
            asio::io_context io(1);
            TlsServer server(io);
            SSL_CTX_set_max_proto_version(server.context.native_handle(), row.version_max);
            TaskGroup tasks(io.get_executor());
            tasks.spawn(&TlsServer::run, &server);
            config::HealthCheck check;
            check.check = config::CheckKind::tls;
            check.timeout = 5s;
            check.host = row.host;
            ProbeResult result;
            const ProbeTarget target{.server = loopback(server.acceptor.local_endpoint().port()),
                                     .host = row.configured,
                                     .virtual_address = {}};
            tasks.spawn(keep_result, check, target, &result);
            REQUIRE(run_until(io, [&] { return tasks.running() == 0; }));
            CHECK(result.reason == "");
            CHECK(result.ok);
            CHECK(server.server_name == row.server_name);
            CHECK(server.closed_cleanly);
        }
    }
}
