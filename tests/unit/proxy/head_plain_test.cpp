// Which heads need no second reader, and that he would agree about all of them.
#include "proxy/head_plain.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace poise::proxy;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// What our reader, or a worse one, found in a head.
struct Found {
    bool accepted = false;
    std::string_view method;
    std::string_view target;
    std::vector<Field> fields;
    BodyFraming framing;

    FirstReading in(std::string_view head) const { return {head, method, target, fields, framing}; }
};

/// What our reader finds in `text`, a response if it starts like one.
Found read(std::string_view text) {
    Found found;
    int minor = 1;
    if (text.starts_with("HTTP/")) {
        ResponseHead head;
        found.accepted = !parse_response_head(text, {}, false, head);
        found.fields = head.fields;
        minor = head.minor;
    } else {
        RequestHead head;
        found.accepted = !parse_request_head(text, {}, head);
        found.method = head.method;
        found.target = head.target;
        found.fields = head.fields;
        minor = head.minor;
    }
    // A status can take the body away that the fields declare.
    HeadFacts facts;
    if (found.accepted) {
        CHECK(gather(text, found.fields, facts).reason == Reason::none);
        CHECK(decide_framing(text, minor, facts, found.framing).reason == Reason::none);
    }
    return found;
}

bool agrees(const FirstReading& first) {
    return ask_second_reader(first).reason == Reason::none;
}

/// What a reader finds that believes everything: blanks within names, folded lines, any byte.
Found read_gullibly(std::string_view text, BodyFraming framing) {
    Found found{.accepted = true, .framing = framing};
    std::size_t at = text.find("\r\n");
    const auto line = text.substr(0, at);
    if (!line.starts_with("HTTP/")) {
        const auto space = line.find(' ');
        found.method = line.substr(0, space);
        found.target = line.substr(space + 1, line.rfind(' ') - space - 1);
    }
    at += 2;
    while (!text.substr(at).starts_with("\r\n")) {
        const auto colon = text.find(": ", at);
        auto end = text.find("\r\n", colon);
        while (text[end + 2] == ' ')
            end = text.find("\r\n", end + 2);
        found.fields.push_back({.name = text.substr(at, colon - at),
                                .value = text.substr(colon + 2, end - colon - 2)});
        at = end + 2;
    }
    return found;
}

/// Checks that `text` is read, is plain, and that llhttp sees the same.
void check_plain(std::string_view text) {
    CAPTURE(text);
    const Found found = read(text);
    REQUIRE(found.accepted);
    CHECK(is_plain(found.in(text)));
    CHECK(agrees(found.in(text)));
}

/// Checks that `text` is read, is not plain, and yet is plain with `cure` in place of `oddity`.
void check_odd(std::string_view text, std::string_view oddity, std::string_view cure) {
    std::string odd(text);
    odd.replace(odd.find('^'), 1, oddity);
    std::string cured(text);
    cured.replace(cured.find('^'), 1, cure);
    CAPTURE(odd);

    const Found found = read(odd);
    const Found found_cured = read(cured);

    REQUIRE(found.accepted);
    CHECK_FALSE(is_plain(found.in(odd)));
    REQUIRE(found_cured.accepted);
    CHECK(is_plain(found_cured.in(cured)));
}

constexpr BodyFraming no_body{};
constexpr BodyFraming five_bytes{Framing::length, 5};

}  // namespace

TEST_SUITE("proxy/head_plain") {
    TEST_CASE("requests as clients send them are plain") {
        const std::string_view rows[] = {
            "GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",  // wrk
            "GET /1k HTTP/1.1\r\nHost: a:80\r\nuser-agent: h2load nghttp2/1.52.0\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nUser-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n",
            "GET /a?b=c HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
            "POST /up HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
            "Content-Length: 1048576\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Expect: 100-continue\r\n\r\n",
            "GET /~a/%7E/?q=a+b&c[]={d|e} HTTP/1.1\r\nHost: www.example.com\r\n"
            "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html,image/avif,*/*;q=0.8\r\n"
            "sec-ch-ua: \"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\"\r\nsec-ch-ua-mobile: ?0\r\n"
            "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n"
            "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: de,en;q=0.9\r\n"
            "Cookie: a=b; POISE=0123456789abcdef; c={\"d\":1}\r\nConnection: keep-alive\r\n"
            "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\nPriority: u=0, i\r\n\r\n",
            "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "POST /mapi/emsmdb/?MailboxId=1@example.com HTTP/1.1\r\nHost: mail.example.com\r\n"
            "Content-Type: application/mapi-http\r\nUser-Agent: Microsoft Office/16.0\r\n"
            "X-ClientInfo: {2EF33C39-49C8-421C-B876-CDF7F2AC3AA0}:123\r\nX-RequestType: Execute\r\n"
            "client-request-id: {E2EA6C1C-E61B-49E9-9CFB-38184F907552}\r\nContent-Length: 0\r\n"
            "Authorization: Negotiate TlRMTVNTUAABAAAAl4II4gAAAAAAAAAA\r\n\r\n",
            "RPC_IN_DATA /rpc/rpcproxy.dll?mail:6001 HTTP/1.1\r\nAccept: application/rpc\r\n"
            "User-Agent: MSRPC\r\nHost: mail\r\nContent-Length: 1073741824\r\n"
            "Pragma: No-cache\r\n\r\n",
            "OPTIONS /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: mail\r\n"
            "X-MS-PolicyKey: 0\r\nX-Empty: \r\n\r\n",
            "PROPFIND /sites/a/Shared%20Documents HTTP/1.1\r\nHost: sp\r\nDepth: 1\r\n"
            "Content-Length: 000000000000000005\r\nTranslate: f\r\nX-FORMS_BASED_AUTH_ACCEPTED: "
            "f\r\n\r\n",
        };

        for (const auto text : rows)
            check_plain(text);
    }

    TEST_CASE("responses as servers send them are plain") {
        const std::string_view rows[] = {
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n",
            "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
            "Content-Type: text/html\r\nContent-Length: 615\r\nConnection: keep-alive\r\n"
            "ETag: \"65955a11-267\"\r\nAccept-Ranges: bytes\r\n\r\n",
            "HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, close\r\n"
            "Content-Length: 5\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-IIS/10.0\r\nX-Powered-By: ASP.NET\r\n"
            "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nX-FEServer: EX01\r\n"
            "Content-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nCache-Control: private, max-age=0\r\nX-SharePointHealthScore: 0\r\n"
            "SPRequestGuid: 3d3f2ba1-50d5-0000-8acd-d9d1e2a1a3f9\r\nSPIisLatency: 0\r\n"
            "MicrosoftSharePointTeamServices: 16.0.0.10337\r\nX-MS-InvokeApp: 1; "
            "RequireReadOnly\r\nP3P: CP=\"ALL IND DSP COR\"\r\nContent-Length: 52034\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: https://a/b?c=d#e\r\nSet-Cookie: a=b; Path=/\r\n"
            "Set-Cookie: c=d; HttpOnly; SameSite=Lax\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 204 \r\nServer: x\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 7\r\n\r\n",
            "HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\n\r\n",
        };

        for (const auto text : rows)
            check_plain(text);
    }

    TEST_CASE("what is good but written in another way is not plain") {
        const auto request = "POST ^ HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n"sv;
        check_odd(request, "http://a/", "/");
        check_odd(request, "HTTPS://a:443/b", "/b");
        check_odd("OPTIONS ^ HTTP/1.1\r\nHost: a\r\n\r\n", "*", "/*");

        const auto field = "POST / HTTP/1.1\r\nHost: a\r\nX^\r\nY: c\r\n\r\n"sv;
        for (const auto odd : {":b", ":  b", ":\tb", ": b ", ": b\t", ": b\tc", ":", ":  "})
            check_odd(field, odd, ": b");
        check_odd(field, ": \xc3\xa4", ": ae");
        check_odd(field, ": \x80", ": b");

        const auto status = "HTTP/1.1 200 ^\r\nContent-Length: 5\r\n\r\n"sv;
        for (const auto odd : {"\t", "a\tb", "\xc3\xa4"})
            check_odd(status, odd, "OK");
    }

    TEST_CASE("framing that needs thought is not plain") {
        const auto request = "POST / HTTP/1.1\r\nHost: a\r\n^\r\nX: b\r\n\r\n"sv;
        check_odd(request, "Transfer-Encoding: chunked", "Content-Length: 5");
        check_odd(request, "transfer-encoding: Chunked", "content-length: 0");
        check_odd(request, "Content-Length: 0000000000000000005", "Content-Length: 5");
        check_odd(request, "Content-Length: 9223372036854775807",
                  "Content-Length: 922337203685477580");
        check_odd(request, "Content-Length:5", "Content-Length: 5");
        check_odd(request, "Content-Length: 5 ", "Content-Length: 5");
        const auto response = "HTTP/1.1 200 OK\r\n^\r\nX: b\r\n\r\n"sv;
        check_odd(response, "Transfer-Encoding: chunked", "Content-Length: 5");
        // Those that look like them from afar.
        check_odd(request, "Treansfer-Encodin: chunked", "Treansfer-Encodi: chunked");
        check_odd(request, "Contend-Length: 5", "Extend-Lengths: 5");
        check_odd(request, "Contend-Length: 0", "Content-Lengt: 0");
    }

    TEST_CASE("what the second reader alone refuses is shown to it") {
        for (const auto& start : {"POST / HTTP/1.1\r\nHost: a\r\n"s, "HTTP/1.1 200 OK\r\n"s}) {
            CAPTURE(start);
            CHECK(read(start + "Content-Length: 5\r\n\r\n").accepted);
            CHECK_FALSE(read(start + "Content-Length: 5\t\r\n\r\n").accepted);
            CHECK_FALSE(read(start + "Transfer-Encoding: chunked\t\r\n\r\n").accepted);
        }
    }

    TEST_CASE("a first reader that was deceived is not believed") {
        struct Row {
            std::string_view text;
            BodyFraming framing;
        };
        const Row good = {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", five_bytes};
        REQUIRE(is_plain(read_gullibly(good.text, good.framing).in(good.text)));
        const Row rows[] = {
            {good.text, no_body},
            {good.text, {Framing::length, 6}},
            {good.text, {Framing::chunked, 0}},
            {good.text, {Framing::until_close, 5}},
            {"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", {Framing::length, 0}},
            {"POST /a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\nContent-Length: +5\r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\nContent-Length: 5,5\r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\nContent-Length: /?\r\n\r\n", five_bytes},  // -1 and 15
            {"POST /a HTTP/1.1\r\nContent-Length: 5 \r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\nContent-Length: \r\n\r\n", {Framing::length, 0}},
            {"POST /a HTTP/1.1\r\nContent-Length: 18446744073709551621\r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\ncONTENT-lENGTH: 6\r\n\r\n", five_bytes},
            {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", {Framing::chunked, 0}},
            {"POST /a HTTP/1.1\r\ntRANSFER-eNCODING: x\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\n Host: a\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\nHost: a\0b\r\n\r\n"sv, no_body},
            {"POST /a HTTP/1.1\r\nHost: a\x7f\r\n\r\n", no_body},
            {"POST /a HTTP/1.1\r\nX\ty: a\r\n\r\n", no_body},
            {"POST /\xff HTTP/1.1\r\nHost: a\r\n\r\n", no_body},
            {"PO\x01T /a HTTP/1.1\r\nHost: a\r\n\r\n", no_body},
            {"POST a HTTP/1.1\r\nHost: a\r\n\r\n", no_body},
            {"POST  /a HTTP/1.1\r\nHost: a\r\n\r\n", no_body},
            {"POST /a HTTP/1.2\r\nHost: a\r\n\r\n", no_body},
            {"POST /a HTTP/2.0\r\nHost: a\r\n\r\n", no_body},
            {"POST /a http/1.1\r\nHost: a\r\n\r\n", no_body},
            {"POST /a HTTP/1.1 \r\nHost: a\r\n\r\n", no_body},
            {"HTTP/1.2 200 OK\r\nServer: a\r\n\r\n", no_body},
            {"HTTP/1.1\t200 OK\r\nServer: a\r\n\r\n", no_body},
            {"HTTP/1.1-200 OK\r\nServer: a\r\n\r\n", no_body},
            {"P /\r\n\r\n", no_body},
            {"HTTP/1.1 2\r\n\r\n", no_body},  // shorter than any head
        };

        for (const Row& row : rows) {
            CAPTURE(row.text);
            CHECK_FALSE(is_plain(read_gullibly(row.text, row.framing).in(row.text)));
        }
    }

    TEST_CASE("what is not where the lines are makes a head not plain") {
        const auto text = "GET /a HTTP/1.1\r\nHost: a\r\nX-Y: bc\r\nZ: d\r\n\r\n"sv;
        const Found found = read(text);
        REQUIRE(found.accepted);
        REQUIRE(is_plain(found.in(text)));
        const auto plain_with = [&](auto change) {
            Found changed = found;
            change(changed);
            return is_plain(changed.in(text));
        };

        for (std::size_t i = 0; i < 3; ++i) {
            CAPTURE(i);
            CHECK_FALSE(plain_with([&](Found& it) {
                it.fields.erase(it.fields.begin() + static_cast<std::ptrdiff_t>(i));
            }));
            CHECK_FALSE(plain_with([&](Found& it) { it.fields[i].name.remove_prefix(1); }));
            CHECK_FALSE(plain_with([&](Found& it) { it.fields[i].value.remove_prefix(1); }));
            CHECK_FALSE(plain_with([&](Found& it) { it.fields[i].value.remove_suffix(1); }));
            CHECK_FALSE(plain_with([&](Found& it) { it.fields.push_back(it.fields[i]); }));
        }
        CHECK_FALSE(plain_with([](Found& it) { std::swap(it.fields[0], it.fields[1]); }));
        CHECK_FALSE(plain_with([&](Found& it) { it.fields[1].name = text.substr(4, 3); }));
        CHECK_FALSE(plain_with([&](Found& it) { it.fields[2].value = text.substr(22, 1); }));
        CHECK_FALSE(plain_with([](Found& it) { it.method.remove_suffix(1); }));
        CHECK_FALSE(plain_with([](Found& it) { it.target.remove_suffix(1); }));
        CHECK_FALSE(plain_with([](Found& it) { it.target.remove_prefix(1); }));
    }

    TEST_CASE("each byte between the parts of a head must be the right one") {
        std::string text = "GET /a HTTP/1.1\r\nHost: a\r\nX-Y: bc\r\nZ: d\r\n\r\nbody";
        const auto head = std::string_view(text).substr(0, text.size() - 4);
        const Found found = read(head);
        REQUIRE(is_plain(found.in(head)));

        CHECK_FALSE(is_plain(found.in(text)));
        int changed = 0;
        for (std::size_t at = 0; at < head.size(); ++at) {
            const char was = text[at];
            if (" :\r\n"sv.find(was) == std::string_view::npos) continue;
            text[at] = was == '\r' ? '\n' : was == '\n' ? '\r' : '_';
            CAPTURE(at);
            CHECK_FALSE(is_plain(found.in(head)));
            text[at] = was;
            ++changed;
        }
        CHECK(changed == 2 + 3 * 2 + 5 * 2);
    }

    TEST_CASE("each byte of a head is looked at, however long it is") {
        for (std::size_t size = 0; size < 300; ++size) {
            CAPTURE(size);
            auto text = "GET / HTTP/1.0\r\nX: " + std::string(size, 'a') + "\r\n\r\n";
            const Found found = read_gullibly(text, no_body);
            const auto start = text.find(": ") + 2;
            CHECK(is_plain(found.in(text)));
            bool ever = false;
            for (std::size_t at = start; at < start + size; ++at) {
                text[at] = at % 2 == 0 ? '\x80' : '\x1f';
                ever = ever || is_plain(found.in(text));
                text[at] = 'a';
            }
            CHECK_FALSE(ever);
        }
    }

    TEST_CASE("no number of bad bytes is taken for none") {
        for (std::size_t size = 1; size < 1100; ++size) {
            CAPTURE(size);
            const auto bad = std::string(size, '\x80') + "\r\n\r\n";
            const auto early = "GET / HTTP/1.0\r\nX: " + bad;
            // From 256 bytes on, so that a sum of bytes would start with them.
            const auto late = "GET / HTTP/1.0\r\nX: " + std::string(237, 'a') + bad;
            const auto later = "GET / HTTP/1.0\r\nX: " + std::string(size, 'a') +
                               std::string(256, '\x80') + "\r\n\r\n";
            for (const auto& text : {early, late, later})
                CHECK_FALSE(is_plain(read_gullibly(text, no_body).in(text)));
        }
    }

    TEST_CASE("the second reader agrees about plain heads with each byte in each place") {
        const std::string_view good[] = {
            "POST /a?b HTTP/1.1\r\nHost: a\r\nXy-z: c d\r\nContent-Length: 12\r\n\r\n",
            "HTTP/1.1 200 OK\r\nXy-z: c\r\nContent-Length: 12\r\n\r\n",
        };
        int plain = 0;
        int shown = 0;
        const auto look = [&](const std::string& text) {
            const Found found = read(text);
            if (!found.accepted) return;
            if (!is_plain(found.in(text))) {
                ++shown;
                return;
            }
            ++plain;
            CAPTURE(text);
            CHECK(agrees(found.in(text)));
        };

        for (const auto head : good) {
            for (std::size_t at = 0; at < head.size(); ++at) {
                for (int byte = 0; byte < 256; ++byte) {
                    std::string text(head);
                    text[at] = static_cast<char>(byte);
                    look(text);
                    text = head;
                    text.insert(at, 1, static_cast<char>(byte));
                    if (head_length(text, 0) == text.size()) look(text);
                }
            }
        }
        CHECK(plain > 5'000);
        CHECK(shown > 1'000);
    }
}
