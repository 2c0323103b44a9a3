// Request heads that must be refused: with which reason, and at which byte.
#include "proxy/head.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace poise::proxy;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

Refusal refused(std::string_view text, const HeadLimits& limits = {}) {
    RequestHead head;
    return parse_request_head(text, limits, head).value_or(Refusal{});
}

struct Row {
    std::string_view bytes;  // "^" marks the byte at fault and is taken out
    Reason reason;
};

void check(const Row& row) {
    CAPTURE(row.bytes);
    std::string bytes(row.bytes);
    const auto at = bytes.find('^');
    REQUIRE(at != std::string::npos);
    bytes.erase(at, 1);

    const Refusal refusal = refused(bytes);

    CHECK(facts(refusal.reason).id == facts(row.reason).id);
    CHECK(refusal.offset == at);
}

/// Checks each of `rows` as what follows "POST / HTTP/1.1" CR LF "Host: a" CR LF.
template <std::size_t n>
void check_fields(const Row (&rows)[n]) {
    for (const Row& row : rows) {
        const auto bytes = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(row.bytes) + "\r\n";
        check({bytes, row.reason});
    }
}

}  // namespace

TEST_SUITE("proxy/head_refusal") {
    TEST_CASE("request lines of another form are refused") {
        const Row rows[] = {
            {"^\r\n\r\n", Reason::bad_request_line},
            {"^ GET / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"G^\0T / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Reason::bad_method},
            {"^\x16\x03\x01\n\n", Reason::bad_method},
            {"GE^(T / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_method},
            {"GET^\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_method},
            {"GET^\r\n\r\n", Reason::bad_request_line},
            {"GET /^\r\n\r\n", Reason::bad_request_line},
            {"GET / ^\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"GET ^ / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"GET / ^ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"GET / ^HTTP/1.1 \r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"GET /a ^b HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"GET / ^HTTP/1.1\t\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / HTTP/1.1^\0\r\nHost: a\r\n\r\n"sv, Reason::bad_request_line},
        };

        for (const Row& row : rows)
            check(row);
    }

    TEST_CASE("versions other than 1.0 and 1.1 are refused") {
        const Row rows[] = {
            {"PRI * ^HTTP/2.0\r\n\r\n", Reason::bad_version},
            {"GET / ^HTTP/2\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / ^HTTP/1.2\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / ^HTTP/0.9\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / ^HTTP/1.10\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / ^HTTP/01.1\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / ^HTTP/1\r\nHost: a\r\n\r\n", Reason::bad_version},
            {"GET / ^http/1.1\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"GET / ^RTSP/1.0\r\nHost: a\r\n\r\n", Reason::bad_request_line},
            {"SOURCE / ^ICE/1.0\r\nHost: a\r\n\r\n", Reason::bad_request_line},
        };

        for (const Row& row : rows)
            check(row);
    }

    TEST_CASE("bad targets are refused") {
        const Row rows[] = {
            {"GET ^a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET ^* HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"OPTIONS ^** HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET ^?a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET ^a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET ^ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET ^http:/a HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET http://^/b HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET http://^ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET http://b^@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET http://a:^b@c/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET http://a^?b HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET http://a^\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET /^\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, Reason::bad_target},
            {"GET /^\t HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET /^\x7f HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET /^\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bad_target},
            {"GET /^#b HTTP/1.1\r\nHost: a\r\n\r\n", Reason::fragment_in_target},
            {"GET http://a/^# HTTP/1.1\r\nHost: a\r\n\r\n", Reason::fragment_in_target},
            {"^CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", Reason::connect_refused},
            {"^CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::connect_refused},
        };

        for (const Row& row : rows)
            check(row);
    }

    TEST_CASE("lines that do not end with CR LF are refused") {
        const Row rows[] = {
            {"GET / HTTP/1.1^\nHost: a\n\n", Reason::bare_lf},
            {"GET /^\n\n", Reason::bare_lf},
            {"GET^\n\n", Reason::bare_lf},
            {"^\n\n", Reason::bare_lf},
            {"GET / HTTP/1.1\r\nHost: a^\n\r\n", Reason::bare_lf},
            {"GET / HTTP/1.1\r\nHost: a\r\n^\n", Reason::bare_lf},
            {"GET / HTTP/1.1\r\nHost^\n: a\r\n\r\n", Reason::bare_lf},
            {"GET / HTTP/1.1\r\nHost: a\r\nX: b^\nTransfer-Encoding: chunked\r\n\r\n",
             Reason::bare_lf},
            {"GET / HTTP/1.1^\rHost: a\r\n\r\n", Reason::bare_cr},
            {"GET^\r / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bare_cr},
            {"GET /^\r HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bare_cr},
            {"^\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", Reason::bare_cr},
            {"GET / HTTP/1.1^\r\r\nHost: a\r\n\r\n", Reason::bare_cr},
            {"GET / HTTP/1.1\r\nHost: a^\rX: b\r\n\r\n", Reason::bare_cr},
            {"GET / HTTP/1.1\r\nHost: a\r\nX^\rY: b\r\n\r\n", Reason::bare_cr},
            {"GET / HTTP/1.1\r\nHost: a\r\n^\rX: b\r\n\r\n", Reason::bare_cr},
            {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n^\r\r\n\r\n", Reason::bare_cr},
        };

        for (const Row& row : rows)
            check(row);
    }

    TEST_CASE("field lines of another form are refused") {
        const Row rows[] = {
            {"X^ : b\r\n", Reason::space_before_colon},
            {"X^\t : b\r\n", Reason::space_before_colon},
            {"Content-Length^ : 5\r\n", Reason::space_before_colon},
            {"X^ Y: b\r\n", Reason::bad_field_name},
            {"X: b\r\n^ c\r\n", Reason::obsolete_fold},
            {"X: b\r\n^\tc: d\r\n", Reason::obsolete_fold},
            {"X: b\r\n^ \r\n", Reason::obsolete_fold},
            {"^: b\r\n", Reason::empty_field_name},
            {"X^\r\n", Reason::bad_field_name},
            {"X^(: b\r\n", Reason::bad_field_name},
            {"^\0X: b\r\n"sv, Reason::bad_field_name},
            {"X^\0: b\r\n"sv, Reason::bad_field_name},
            {"X^\xe4: b\r\n", Reason::bad_field_name},
            {"^\"X\": b\r\n", Reason::bad_field_name},
            {"X^@: b\r\n", Reason::bad_field_name},
            {"X^\x7f: b\r\n", Reason::bad_field_name},
            {"X: b^\0c\r\n"sv, Reason::control_byte},
            {"X: ^\x0b\r\n", Reason::control_byte},
            {"X: b123456789^\x1f\r\n", Reason::control_byte},
            {"X: b^\x7f\r\n", Reason::control_byte},
            {"X: \xff\x80\tokay okay\tokay^\x01\r\n", Reason::control_byte},
            {"Transfer-Encoding:^\x0b"
             "chunked\r\n",
             Reason::control_byte},
            {"Transfer-Encoding^\x0b: chunked\r\n", Reason::bad_field_name},
        };

        check_fields(rows);
        check({"GET / HTTP/1.1\r\n^ Host: a\r\n\r\n", Reason::obsolete_fold});
        check({"GET / HTTP/1.1\r\n^\tHost: a\r\n\r\n", Reason::obsolete_fold});
    }

    TEST_CASE("bodies whose end is in doubt are refused") {
        const Row rows[] = {
            {"Content-Length: 5\r\n^Content-Length: 5\r\n", Reason::several_content_lengths},
            {"Content-Length: 5\r\n^content-length: 6\r\n", Reason::several_content_lengths},
            {"Content-Length: 5^, 5\r\n", Reason::several_content_lengths},
            {"Content-Length: ^,5\r\n", Reason::several_content_lengths},
            {"Content-Length: ^+5\r\n", Reason::bad_content_length},
            {"Content-Length: ^-5\r\n", Reason::bad_content_length},
            {"Content-Length: 5^ 6\r\n", Reason::bad_content_length},
            {"Content-Length: 0^x5\r\n", Reason::bad_content_length},
            {"Content-Length: 5^_0\r\n", Reason::bad_content_length},
            {"Content-Length: 5^.0\r\n", Reason::bad_content_length},
            {"Content-Length: ^\"5\"\r\n", Reason::bad_content_length},
            {"Content-Length: 5^;\r\n", Reason::bad_content_length},
            {"Content-Length:^\r\n", Reason::bad_content_length},
            {"Content-Length: ^\r\n", Reason::bad_content_length},
            {"Content-Length: 5 ^\t\r\n", Reason::bad_content_length},
            {"Content-Length: 922337203685477580^8\r\n", Reason::bad_content_length},
            {"Content-Length: 1844674407370955161^7\r\n", Reason::bad_content_length},
            {"Content-Length: 999999999999999999^99\r\n", Reason::bad_content_length},
            {"Content-Length: ^\xd9\xa5\r\n", Reason::bad_content_length},
            {"Content-Length: 5\r\n^Transfer-Encoding: chunked\r\n", Reason::length_and_chunked},
            {"Transfer-Encoding: chunked\r\n^Content-Length: 5\r\n", Reason::length_and_chunked},
            {"Transfer-Encoding: ^gzip, chunked\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^chunked, chunked\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^chunked, identity\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^identity\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^chunked,\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^,chunked\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^xchunked\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^chunke\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^\"chunked\"\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^chunked;a=b\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: ^\xc2\xa0"
             "chunked\r\n",
             Reason::bad_transfer_encoding},
            {"Transfer-Encoding: chunked^\t\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding:^\r\n", Reason::bad_transfer_encoding},
            {"Transfer-Encoding: chunked\r\n^Transfer-Encoding: chunked\r\n",
             Reason::bad_transfer_encoding},
            {"Transfer-Encoding: chunked\r\n^Transfer-Encoding: identity\r\n",
             Reason::bad_transfer_encoding},
            {"Content-Length: 5\r\nTransfer-Encoding: ^x\r\n", Reason::bad_transfer_encoding},
        };

        check_fields(rows);
        check({"POST / HTTP/1.0\r\n^Transfer-Encoding: chunked\r\n\r\n",
               Reason::transfer_encoding_in_http10});
    }

    TEST_CASE("hosts that are missing, several or malformed are refused") {
        const Row rows[] = {
            {"GET / HTTP/1.1\r\n^\r\n", Reason::missing_host},
            {"GET http://a/ HTTP/1.1\r\nX: b\r\n^\r\n", Reason::missing_host},
            {"GET / HTTP/1.1\r\nHost: a\r\n^Host: a\r\n\r\n", Reason::several_hosts},
            {"GET / HTTP/1.0\r\nHost: a\r\nX: b\r\n^hOST: b\r\n\r\n", Reason::several_hosts},
            {"GET / HTTP/1.1\r\nHost:^\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.0\r\nHost: ^\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^ b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^, b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^/b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^@b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^?b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^#b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^\\b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: http:^//a\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: ^\xc3\xa4\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^%2\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^%zz\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: ^:80\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a^:\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a:^b\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a:^-1\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a:^0\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a:6553^6\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: a:80^:80\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: ^::1\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: ^[::1\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: [^]\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: [^a]\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: [^10.0.0.1]\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: [^fe80::1%25eth0]\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: [::1]^a\r\n\r\n", Reason::bad_host},
            {"GET / HTTP/1.1\r\nHost: [::1]^a:80\r\n\r\n", Reason::bad_host},
        };

        for (const Row& row : rows)
            check(row);
    }

    TEST_CASE("an absolute target that disagrees with Host is refused") {
        const Row rows[] = {
            {"GET http://a/ HTTP/1.1\r\nHost: ^b\r\n\r\n", Reason::host_disagrees},
            {"GET http://a/ HTTP/1.1\r\nHost: ^a.\r\n\r\n", Reason::host_disagrees},
            {"GET http://a:8080/ HTTP/1.1\r\nHost: ^a\r\n\r\n", Reason::host_disagrees},
            {"GET http://a/ HTTP/1.1\r\nHost: ^a:443\r\n\r\n", Reason::host_disagrees},
            {"GET https://a/ HTTP/1.1\r\nHost: ^a:80\r\n\r\n", Reason::host_disagrees},
            {"GET http://[::1]/ HTTP/1.1\r\nHost: ^[::2]\r\n\r\n", Reason::host_disagrees},
            {"GET http://a/ HTTP/1.0\r\nHost: ^b\r\n\r\n", Reason::host_disagrees},
        };

        for (const Row& row : rows)
            check(row);
    }

    TEST_CASE("wishes that are not understood are refused") {
        const Row rows[] = {
            {"Expect: ^200-ok\r\n", Reason::bad_expect},
            {"Expect:^\r\n", Reason::bad_expect},
            {"Expect: ^100-continue, x\r\n", Reason::bad_expect},
            {"Expect: 100-continue\r\nExpect: ^x\r\n", Reason::bad_expect},
            {"Connection: upgrade\r\nUpgrade: ^web socket\r\n", Reason::bad_upgrade},
            {"Connection: upgrade\r\nUpgrade: ^a/b/c\r\n", Reason::bad_upgrade},
            {"Connection: upgrade\r\nUpgrade:^\r\n", Reason::bad_upgrade},
            {"Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: ^(\r\n", Reason::bad_upgrade},
        };

        check_fields(rows);
    }

    TEST_CASE("limits are kept to the byte and to the field") {
        const HeadLimits limits{.fields = 3, .request_line_bytes = 20};
        const auto line_of = [](std::size_t bytes) {
            return "GET /" + std::string(bytes - 14, 'a') + " HTTP/1.1\r\n";
        };
        const auto fields = "Host: a\r\nX: b\r\nY: c\r\n"s;

        CHECK(refused(line_of(20) + fields + "\r\n", limits).reason == Reason::none);
        const auto long_line = refused(line_of(21) + fields + "\r\n", limits);
        CHECK(long_line.reason == Reason::request_line_too_long);
        CHECK(long_line.offset == 20);
        const auto many = refused(line_of(20) + fields + "Z: d\r\n\r\n", limits);
        CHECK(many.reason == Reason::too_many_fields);
        CHECK(many.offset == 22 + fields.size());
    }

    TEST_CASE("a flood of Connection options is refused before it costs time") {
        std::string options = "a";
        for (int i = 1; i < 64; ++i)
            options += ",a";
        const auto good = "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + options + "\r\n\r\n";
        const auto bad = "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + options + ",a\r\n\r\n";

        CHECK(refused(good).reason == Reason::none);
        CHECK(refused(bad).reason == Reason::too_many_fields);
        CHECK(refused(bad).offset == 25);
    }

    TEST_CASE("each control byte is refused wherever it stands in a good head") {
        const auto good =
            "POST /abc HTTP/1.1\r\nHost: example.com\r\nX-Field: some value here\r\n"
            "Content-Length: 12\r\n\r\n"s;
        REQUIRE(refused(good).reason == Reason::none);

        for (std::size_t at = 0; at < good.size(); ++at) {
            for (int c = 0; c <= 0x20; ++c) {
                if (c == '\t' || c == ' ') continue;
                auto bad = good;
                bad.insert(at, 1, static_cast<char>(c));
                // An LF can complete an empty line early: only the head up to it is given.
                bad.resize(head_length(bad, 0));
                if (bad == good) continue;  // the LF came behind the head
                CAPTURE(at);
                CAPTURE(c);
                CHECK(refused(bad).reason != Reason::none);
            }
        }
    }

    TEST_CASE("a head that is cut anywhere is refused, not misread") {
        const auto good = "GET http://a/b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"s;

        for (std::size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            // A copy of the exact size lets the address sanitizer see a byte read too far.
            const std::string cut(good, 0, size);
            CHECK(refused(cut).reason != Reason::none);
        }
    }
}
