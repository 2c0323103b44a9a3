// Limits on idleness hold, whatever else wakes those that wait.
#include "tests/unit/app/running.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

// Wakes all sessions of all workers, again and again.
class Disturbance {
public:
    explicit Disturbance(Running& poise) : thread_([this, &poise] { run(poise); }) {}
    ~Disturbance() {
        stopping_ = true;
        thread_.join();
        CHECK(reloads_ >= 2);
    }

private:
    void run(Running& poise) {
        while (!stopping_) {
            const auto error =
                poise.on_control([](Runtime& runtime) { return runtime.reload().error; });
            if (error.empty()) ++reloads_;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    std::atomic<bool> stopping_{false};
    int reloads_ = 0;
    std::thread thread_;
};

// Accepts by the kernel alone, and never says a word.
struct MuteServer {
    MuteServer() : port(socket.bind()) { REQUIRE(::listen(socket.fd(), 64) == 0); }

    Socket socket;
    std::uint16_t port;
};

// Says `answer` to one request, and stays until its client goes.
class StayingServer {
public:
    explicit StayingServer(const char* answer) : thread_([this, answer] { run(answer); }) {}
    ~StayingServer() {
        ::shutdown(listening_.socket.fd(), SHUT_RDWR);
        thread_.join();
    }
    std::uint16_t port() const { return listening_.port; }

private:
    void run(const char* answer) {
        const Socket client(::accept(listening_.socket.fd(), nullptr, nullptr));
        client.receive("\r\n\r\n");
        client.send(answer);
        client.receive();
    }

    MuteServer listening_;
    std::thread thread_;
};

std::string service(std::uint16_t port, const std::string& server, const std::string& more) {
    return fmt::format(
        "services: {{it: {{listen: \"{}\", servers: [\"{}\"], health: none, {}}}}}\n", at(port),
        server, more);
}

}  // namespace

TEST_SUITE("app/idle limits") {
    TEST_CASE("a body that never begins is given up while others reload") {
        const MuteServer server;
        const auto port = free_port();
        Running poise(service(port, at(server.port), "timeouts: {idle: 500ms}"));
        const Disturbance reloads(poise);
        CHECK(talk(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
                  .starts_with("HTTP/1.1 408"));
    }

    TEST_CASE("an answer whose body never begins is given up while others reload") {
        const StayingServer server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
        const auto port = free_port();
        Running poise(service(port, at(server.port()), "timeouts: {idle: 500ms, response: 1h}"));
        const Disturbance reloads(poise);
        const Socket client;
        REQUIRE(client.connect(port));
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.receive("\r\n\r\n").starts_with("HTTP/1.1 200"));
        CHECK(wait_until([&] { return poise.status().connections == 0; }));
    }

    TEST_CASE("a TCP session without a byte is ended while others reload") {
        const MuteServer server;
        const auto port = free_port();
        Running poise(service(port, at(server.port), "protocol: tcp, timeouts: {idle: 2s}"));
        const Disturbance reloads(poise);
        const Socket client;
        REQUIRE(client.connect(port));
        CHECK(wait_until([&] { return poise.status().connections == 1; }));
        CHECK(wait_until([&] { return poise.status().connections == 0; }));
    }
}
