// A service of datagrams inside a running Poise: sessions, their bound, their end, two workers.
#include "tests/unit/app/running.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <vector>

using namespace poise;
using namespace poise::app;
using namespace poise::app::test;

namespace {

int datagram_socket() {
    return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

// A socket of its own, connected.
struct Client {
    explicit Client(std::uint16_t port) : socket(datagram_socket()) {
        REQUIRE(socket.connect(port));
    }

    void send(const std::string& text) const { socket.send(text); }
    std::string receive() const {
        std::string text(70'000, '\0');
        const auto n = ::recv(socket.fd(), text.data(), text.size(), 0);
        if (n < 0) return "nothing";
        text.resize(static_cast<std::size_t>(n));
        return text;
    }
    std::string ask(const std::string& text) const {
        send(text);
        return receive();
    }

    // While a service is away, datagrams are lost: a client asks again, as all of UDP do.
    std::string ask_until_answered(const std::string& text) const {
        constexpr int tries = 50;
        constexpr int patience_ms = 200;
        pollfd answer{socket.fd(), POLLIN, 0};
        for (int i = 0; i < tries; ++i) {
            send(text);
            if (::poll(&answer, 1, patience_ms) == 1) return receive();
        }
        return "nothing";
    }

    Socket socket;
};

// Sends each datagram back.
class Echo {
public:
    Echo() : socket_(datagram_socket()) {
        port_ = socket_.bind();
        thread_ = std::thread([this] { run(); });
    }
    ~Echo() {
        stopping_ = true;
        const Client last(port_);
        last.send("");
        thread_.join();
    }

    std::uint16_t port() const { return port_; }

private:
    void run() {
        std::vector<char> bytes(70'000);
        while (!stopping_) {
            sockaddr_in from{};
            socklen_t length = sizeof from;
            auto* name = reinterpret_cast<sockaddr*>(&from);
            const auto n = ::recvfrom(socket_.fd(), bytes.data(), bytes.size(), 0, name, &length);
            if (n >= 0)
                ::sendto(socket_.fd(), bytes.data(), static_cast<std::size_t>(n), 0, name, length);
        }
    }

    Socket socket_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

struct World {
    explicit World(const std::string& more = {})
        : yaml(fmt::format("services:\n  echo:\n    protocol: udp\n    listen: {}\n    servers: "
                           "[{}]\n{}",
                           at(port), at(echo.port()), more)),
          running(yaml) {}

    ServiceStatus status() {
        return running.on_control([](Runtime& runtime) { return runtime.status().services[0]; });
    }

    std::string reload(const std::string& to) {  // returns what was wrong
        running.write_config(to);
        return running.on_control([](Runtime& runtime) { return runtime.reload().error; });
    }
    // All workers serve by the new configuration alone.
    bool settled() {
        return wait_until([this] {
            return running.on_control(
                       [](Runtime& runtime) { return runtime.status().generations_ending; }) == 0;
        });
    }

    Echo echo;
    std::uint16_t port = free_port();
    std::string yaml;
    Running running;
};

}  // namespace

TEST_SUITE("app/udp serving") {
    TEST_CASE("every client has a session of its own and gets its own answers") {
        World world;
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 40; ++i)
            clients.push_back(std::make_unique<Client>(world.port));

        for (int turn = 0; turn < 5; ++turn) {
            for (std::size_t i = 0; i < clients.size(); ++i)
                clients[i]->send(fmt::format("{}-{}", i, turn));
            for (std::size_t i = 0; i < clients.size(); ++i)
                CHECK(clients[i]->receive() == fmt::format("{}-{}", i, turn));
        }

        const auto status = world.status();
        CHECK(status.connections == 40);
        CHECK(status.sessions == 40);
        CHECK(status.datagrams_in == 200);
        CHECK(status.datagrams_out == 200);
        CHECK(status.servers[0].connections == 40);
    }

    TEST_CASE("a session ends when it is quiet") {
        World world("    timeouts: {idle: 1ms}\n");
        const Client client(world.port);
        CHECK(client.ask("a") == "a");
        CHECK(wait_until([&] { return world.status().sessions == 0; }));
        CHECK(client.ask("b") == "b");
        CHECK(world.status().connections == 2);
    }

    TEST_CASE("over the bound new clients are dropped, and nobody who was there before") {
        World world("    limits: {udp_sessions: 3}\n");
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 3; ++i) {
            clients.push_back(std::make_unique<Client>(world.port));
            CHECK(clients.back()->ask("in") == "in");
        }
        const Client late(world.port);

        for (int i = 0; i < 5; ++i)
            late.send("out");
        CHECK(wait_until([&] { return !world.status().failures.empty(); }));

        for (const auto& client : clients)
            CHECK(client->ask("still in") == "still in");
        CHECK(wait_until([&] { return world.status().failures[0].second == 5; }));
        CHECK(world.status().failures[0].first == "udp_sessions_full");
        CHECK(world.status().sessions == 3);
    }

    TEST_CASE("with one expected answer each exchange is a session") {
        World world("    expect_replies: 1\n");
        const Client client(world.port);
        for (int i = 0; i < 10; ++i)
            CHECK(client.ask(std::to_string(i)) == std::to_string(i));
        const auto status = world.status();
        CHECK(status.connections == 10);
        CHECK(status.requests == 10);
        CHECK(status.sessions == 0);
        CHECK(status.servers[0].connections == 0);
    }

    TEST_CASE("empty datagrams and the largest ones pass") {
        World world;
        const Client client(world.port);
        for (const std::size_t size : {0U, 1U, 65'507U}) {
            const std::string text(size, 'z');
            CHECK(client.ask(text) == text);
        }
    }

    TEST_CASE("reloads do not keep a quiet session alive") {
        World world;
        const auto reload = [&](int retries) {
            return world.reload(
                world.yaml + fmt::format("    timeouts: {{idle: 1s}}\n    retries: {}\n", retries));
        };
        CHECK(reload(0).empty());
        const Client client(world.port);
        CHECK(client.ask("a") == "a");
        int reloads = 0;
        CHECK(wait_until([&] {
            CHECK(reload(++reloads % 2).empty());
            CHECK(world.settled());
            return world.status().sessions == 0;
        }));
        CHECK(reloads >= 2);
    }

    TEST_CASE("a reload's time limit holds for sessions that are there") {
        World world("    timeouts: {idle: 1h}\n");
        const Client client(world.port);
        CHECK(client.ask("a") == "a");
        CHECK(world.reload(world.yaml + "    retries: 1\n").empty());
        CHECK(world.settled());
        CHECK(world.status().sessions == 1);
        auto shorter = world.yaml;
        shorter.replace(shorter.find("1h"), 2, "1s");
        CHECK(world.reload(shorter).empty());
        CHECK(world.settled());
        CHECK(wait_until([&] { return world.status().sessions == 0; }));
    }

    TEST_CASE("sessions go on through a reload, and the service may go and come back") {
        World world;
        const Client client(world.port);
        CHECK(client.ask("a") == "a");
        const auto reload = [&](const std::string& yaml) { return world.reload(yaml); };

        CHECK(reload(world.yaml + "    retries: 1\n").empty());
        CHECK(client.ask("b") == "b");
        CHECK(world.status().connections == 1);
        CHECK(world.settled());

        CHECK(reload(fmt::format("services: {{web: {{listen: \"{}\", servers: [\"{}\"]}}}}\n",
                                 at(free_port()), at(world.echo.port())))
                  .empty());
        CHECK(reload(world.yaml).empty());
        CHECK(client.ask_until_answered("c") == "c");
    }

    // Sessions whose listener has gone wait for a second for answers, not for a second from each
    // time that a server is lost anywhere.
    TEST_CASE("lost servers do not keep the sessions of a service that has gone") {
        World world;
        const Client client(world.port);
        CHECK(client.ask("a") == "a");
        CHECK(world
                  .reload(fmt::format("services: {{web: {{listen: \"{}\", servers: [{{name: one, "
                                      "address: \"{}\"}}]}}}}\n",
                                      at(free_port()), at(world.echo.port())))
                  .empty());
        int losses = 0;
        CHECK(wait_until([&] {
            for (const auto state : {pool::AdminState::halt, pool::AdminState::online})
                CHECK(world.running.on_control(
                    [state](Runtime& runtime) { return runtime.set_admin("web", "one", state); }));
            ++losses;
            return world.running.on_control(
                       [](Runtime& runtime) { return runtime.status().generations_ending; }) == 0;
        }));
        CHECK(losses >= 2);
    }
}
