#include "proxy/access_log.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace poise;
using namespace poise::proxy;
using namespace std::chrono_literals;
using config::LogFormat;

namespace {

AccessRecord good() {
    AccessRecord record;
    record.at = std::chrono::system_clock::time_point{1'772'366'400s + 123'456us};
    record.client = parse_address("192.0.2.1:1234").value();
    record.service = "web";
    record.server = "web1";
    record.method = "GET";
    record.target = "/a?b";
    record.host = "example.com";
    record.status = 200;
    record.bytes_in = 300;
    record.bytes_out = 4'000;
    record.queue = 0us;
    record.connect = 120us;
    record.first_byte = 1'500us;
    record.total = 2'000us;
    record.request_id = "abc";
    return record;
}

std::string line(const AccessRecord& record, LogFormat format = LogFormat::text) {
    std::string out;
    append_access_line(out, record, format);
    return out;
}

}  // namespace

TEST_SUITE("proxy/access_log") {
    TEST_CASE("a good request is one line of words") {
        CHECK(line(good()) ==
              "time=2026-03-01T12:00:00.123456Z id=abc client=192.0.2.1:1234 service=web "
              "server=web1 method=GET target=/a?b host=example.com version=HTTP/1.1 "
              "status=200 bytes_in=300 bytes_out=4000 queue_us=0 connect_us=120 "
              "first_byte_us=1500 total_us=2000 retries=0 reused=no reason=-");
    }

    TEST_CASE("the same request as JSON has the same facts") {
        const auto json = nlohmann::json::parse(line(good(), LogFormat::json));
        CHECK(json["time"] == "2026-03-01T12:00:00.123456Z");
        CHECK(json["target"] == "/a?b");
        CHECK(json["status"] == 200);
        CHECK(json["bytes_out"] == 4'000);
        CHECK(json["connect_us"] == 120);
        CHECK(json["reused"] == false);
        CHECK(json["reason"] == "");
        CHECK(json.size() == 19);
    }

    TEST_CASE("a refused request says why, and what was not reached") {
        AccessRecord record = good();
        record.server = {};
        record.queue = record.connect = record.first_byte = std::nullopt;
        record.reason = Reason::no_server;
        record.status = 503;
        record.retries = 2;
        const std::string text = line(record);
        CHECK(text.find(" server=- ") != text.npos);
        CHECK(text.find(" queue_us=- connect_us=- first_byte_us=- ") != text.npos);
        CHECK(text.find(" retries=2 ") != text.npos);
        CHECK(text.ends_with(" reason=no_server"));
        const auto json = nlohmann::json::parse(line(record, LogFormat::json));
        CHECK(json["connect_us"].is_null());
        CHECK(json["reason"] == "no_server");
    }

    TEST_CASE("a TCP session has no request") {
        AccessRecord record = good();
        record.is_request = false;
        record.method = record.target = record.host = {};
        record.status = 0;
        CHECK(line(record).find("method=") == std::string::npos);
        CHECK(line(record).find("status=") == std::string::npos);
        CHECK(nlohmann::json::parse(line(record, LogFormat::json)).contains("bytes_in"));
    }

    TEST_CASE("a UDP session counts datagrams, and nothing else does") {
        AccessRecord record = good();
        CHECK(line(record).find("datagrams") == std::string::npos);
        record.is_request = false;
        record.datagrams_in = 7;
        record.datagrams_out = 0;
        CHECK(line(record).find(" datagrams_in=7 datagrams_out=0 ") != std::string::npos);
        const auto json = nlohmann::json::parse(line(record, LogFormat::json));
        CHECK(json.at("datagrams_in") == 7);
    }

    TEST_CASE("a request whose head was refused is logged with its status") {
        AccessRecord record = good();
        record.method = record.target = record.host = {};
        record.status = 400;
        CHECK(line(record).find(" method=- ") != std::string::npos);
        CHECK(line(record).find(" status=400 ") != std::string::npos);
    }

    TEST_CASE("no client can forge a line, a word or a member") {
        AccessRecord record = good();
        record.target = "/x\r\ntime=1 status=200\"\\\x1b[2J\xff";
        record.host = "a b=c";
        record.request_id = "x\ny";
        const std::string text = line(record);
        CHECK(text.find_first_of("\r\n\x1b\xff") == text.npos);
        CHECK(text.find("target=\"/x\\x0d\\x0atime=1 status=200\\\"\\\\\\x1b[2J\\xff\"") !=
              text.npos);
        CHECK(text.find("host=\"a b=c\"") != text.npos);
        const std::string json_line = line(record, LogFormat::json);
        CHECK(json_line.find_first_of("\r\n") == json_line.npos);
        CHECK(nlohmann::json::parse(json_line)["host"] == "a b=c");
    }

    TEST_CASE("a long target is cut") {
        AccessRecord record = good();
        const std::string target = "/" + std::string(20'000, 'x');
        record.target = target;
        CHECK(line(record).size() < 9'000);
        CHECK(line(record).find("xxx... host=") != std::string::npos);
    }

    TEST_CASE("a line is added to what is there") {
        std::string out = "before\n";
        append_access_line(out, good(), LogFormat::text);
        CHECK(out.starts_with("before\ntime="));
    }
}
