// What the configuration of a service of datagrams may say.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

using namespace poise::config;
using namespace std::chrono_literals;

namespace {

std::string udp(const std::string& lines) {
    return service_with("    protocol: udp\n" + lines);
}

}  // namespace

TEST_SUITE("config/udp") {
    TEST_CASE("a service starts from what suits datagrams") {
        const Service service = loaded(udp("")).services[0];

        CHECK(service.protocol == Protocol::udp);
        CHECK(service.timeouts.idle == udp_idle_default);
        CHECK(service.health.check == CheckKind::none);
        CHECK(service.health.passive);
        CHECK(service.limits.udp_sessions == 16'384);
        CHECK_FALSE(service.expect_replies.has_value());
    }

    TEST_CASE("what is written stays") {
        const Service service = loaded(udp("    timeouts: {idle: 5s}\n    expect_replies: 0\n"
                                           "    health: {check: dns, query: example.com}\n"
                                           "    limits: {udp_sessions: 3}\n"))
                                    .services[0];

        CHECK(service.timeouts.idle == 5s);
        CHECK(service.expect_replies == 0U);
        CHECK(service.health.check == CheckKind::dns);
        CHECK(service.limits.udp_sessions == 3);
        CHECK(loaded("defaults: {health: {check: tcp, port: 8}}\n" + udp(""))
                  .services[0]
                  .health.check == CheckKind::tcp);
        CHECK(loaded("defaults: {health: {interval: 9s}}\n" + udp("")).services[0].health.check ==
              CheckKind::none);
    }

    TEST_CASE("what only connections have is refused") {
        const std::string over_tcp =
            " goes over TCP, but the servers of service 'web' listen on UDP | write health: none "
            "in the service (real traffic then decides), check: dns or check: script; or a port on "
            "which they take TCP: health: {check: tcp, port: 8080}";
        const BadText rows[] = {
            {"    health: tcp\n", "4:13 a check by tcp" + over_tcp},
            {"    health: {check: http, path: /}\n", "4:21 a check by http" + over_tcp},
            {"    health: {check: http, port: 80}\n", ""},
            {"    health: none\n", ""},
            {"    send_proxy: v2\n",
             "4:17 send_proxy needs connections, but service 'web' has protocol udp: its servers "
             "see the address of this node | write send_proxy: off"},
            {"    persistence: cookie\n",
             "4:18 persistence by cookie works only with protocol http, but service 'web' has udp"},
            {"    persistence: source\n", ""},
            {"    fallback: {status: 503}\n",
             "4:5 a fallback that answers works only with protocol http, but service 'web' has "
             "udp | write the address of a server: fallback: 10.0.0.99:80"},
            {"    fallback: 10.0.0.9:53\n", ""},
            {"    expect_replies: -1\n",
             "4:21 'expect_replies' must be a whole number from 0 to 1000000, found '-1'"},
        };
        for (const BadText& row : rows) {
            CAPTURE(row.yaml);
            CHECK(config_errors(udp(row.yaml)) == row.errors);
        }
        CHECK(config_errors("services:\n  web:\n    protocol: udp\n    trusted_proxies: ::1\n"
                            "    listen: {address: \":53\", proxy_protocol: true}\n"
                            "    servers: a:53\n") ==
              "5:13 'proxy_protocol' needs connections: no datagram carries a PROXY header | take "
              "it off this listener");
        CHECK(config_errors("defaults: {health: tcp}\n" + udp("")) ==
              "3:3 a check by tcp" + over_tcp);
    }

    TEST_CASE("expect_replies is for datagrams alone") {
        CHECK(config_errors(service_with("    expect_replies: 1\n")) ==
              "3:21 expect_replies works only with protocol udp, but service 'web' has http");
    }

    TEST_CASE("one address serves TCP and UDP, and neither twice") {
        const std::string both =
            "services:\n  a: {protocol: udp, listen: \":53\", servers: a:53}\n"
            "  b: {protocol: tcp, listen: \":53\", servers: a:53}\n";
        CHECK(config_errors(both) == "");
        CHECK(config_errors(both + "  c: {protocol: udp, listen: \":53\", servers: a:53}\n") ==
              "4:30 [::]:53 is listened on twice | service 'a' in line 2 has it already");
    }
}
