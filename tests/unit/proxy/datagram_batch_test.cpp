// Batches of datagrams over real sockets on loopback: who sent what, and where answers come from.
#include "proxy/datagram_batch.hpp"

#include "base/socket_address.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

using namespace poise;
using namespace poise::proxy;

namespace {

// A datagram socket that closes itself.
struct Socket {
    explicit Socket(int given) : fd(given) { REQUIRE(fd >= 0); }
    ~Socket() { ::close(fd); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    bool readable() const {
        pollfd wait{fd, POLLIN, 0};
        return ::poll(&wait, 1, 5'000) == 1;
    }
    Address local() const {
        sockaddr_storage bound{};
        socklen_t length = sizeof bound;
        REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) == 0);
        return to_address(bound);
    }
    std::string receive(Address* from = nullptr) const {
        REQUIRE(readable());
        std::string text(70'000, '\0');
        sockaddr_storage name{};
        socklen_t length = sizeof name;
        const ssize_t n = ::recvfrom(fd, text.data(), text.size(), 0,
                                     reinterpret_cast<sockaddr*>(&name), &length);
        REQUIRE(n >= 0);
        if (from != nullptr) *from = to_address(name);
        text.resize(static_cast<std::size_t>(n));
        return text;
    }

    int fd;
};

int listening(const std::string& ip) {
    return open_udp_listener(*parse_ip(ip)).value_or(-1);  // port 0: any that is free
}

Address at(const std::string& ip, std::uint16_t port) {
    Address address = *parse_ip(ip);
    address.port = port;
    return address;
}

}  // namespace

TEST_SUITE("proxy/datagram_batch") {
    TEST_CASE("an answer comes from the address that the client has sent to") {
        struct Row {
            std::string listen;
            std::string dialled;
        };
        const Row rows[] = {{"127.0.0.1", "127.0.0.1"},
                            {"0.0.0.0", "127.0.0.1"},
                            {"0.0.0.0", "127.0.0.77"},
                            {"::", "127.0.0.77"},
                            {"::", "::1"},
                            {"::1", "::1"}};
        for (const Row& row : rows) {
            CAPTURE(row.listen);
            CAPTURE(row.dialled);
            const Socket ours(listening(row.listen));
            const UdpDoor door = udp_door(ours.fd);
            const Address dialled = at(row.dialled, ours.local().port);
            const Socket client(connect_udp(dialled).value_or(-1));
            REQUIRE(::send(client.fd, "ping", 4, 0) == 4);
            REQUIRE(ours.readable());
            DatagramBatch batch;

            REQUIRE(batch.receive_from_clients(door, 8).count == 1);
            const UdpKey key = batch.sender(0, door);
            batch.add_replies(1, key, door);
            REQUIRE(batch.send_to_clients(door, 0).count == 1);

            CHECK(key.client == client.local());
            // A connected socket takes it from nobody else.
            CHECK(client.receive() == "ping");
        }
    }

    TEST_CASE("datagrams keep their order, their length and their emptiness") {
        const Socket ours(listening("127.0.0.1"));
        const Socket server(listening("127.0.0.1"));
        const UdpDoor door = udp_door(ours.fd);
        const Socket client(connect_udp(ours.local()).value_or(-1));
        const Socket upstream(connect_udp(server.local()).value_or(-1));
        const std::string parts[] = {"a", "", std::string(65'507, 'x'), "b"};
        for (const std::string& part : parts)
            REQUIRE(::send(client.fd, part.data(), part.size(), 0) ==
                    static_cast<ssize_t>(part.size()));
        DatagramBatch batch;

        const BatchResult got = batch.receive_from_clients(door, 32);
        REQUIRE(got.count == 4);
        CHECK(got.error == 0);
        CHECK(batch.bytes(1) == 0);
        CHECK(batch.bytes(2) == 65'507);
        REQUIRE(batch.send_to_server(upstream.fd, 0, 3).count == 3);
        REQUIRE(batch.send_to_server(upstream.fd, 3, 1).count == 1);

        for (const std::string& part : parts)
            CHECK(server.receive() == part);
    }

    TEST_CASE("nothing there is no error of the socket") {
        const Socket ours(listening("127.0.0.1"));
        DatagramBatch batch;
        const BatchResult got = batch.receive_from_clients(udp_door(ours.fd), 2);
        CHECK(got.count == 0);
        CHECK(got.error == EAGAIN);
    }

    TEST_CASE("a server that is not there is told by the next call") {
        std::uint16_t port = 0;
        {
            const Socket gone(listening("127.0.0.1"));
            port = gone.local().port;
        }
        const Socket upstream(connect_udp(at("127.0.0.1", port)).value_or(-1));
        REQUIRE(::send(upstream.fd, "x", 1, 0) == 1);
        REQUIRE(upstream.readable());
        DatagramBatch batch;
        CHECK(batch.receive_from_server(upstream.fd, 2).error == ECONNREFUSED);
    }

    TEST_CASE("a burst grows while it is filled and shrinks when it is not") {
        Burst burst;
        CHECK(burst.most() == 2);
        for (int i = 0; i < 10; ++i)
            burst.note(burst.most());
        CHECK(burst.most() == DatagramBatch::capacity);
        burst.note(20);
        CHECK(burst.most() == 32);
        for (int i = 0; i < 10; ++i)
            burst.note(0);
        CHECK(burst.most() == 2);
    }
}
