// Messages on their way: tried again, given up, never in the way of who sends them.
#include "admin/alert_sender.hpp"

#include "tests/unit/admin/fake_program.hpp"

#include <functional>

using namespace poise;
using namespace poise::admin;
using namespace poise::admin::test;
using namespace std::chrono_literals;

namespace {

constexpr AlertRetries quick{.first_wait = 1ms, .longest_wait = 2ms, .tries_max = 5};

bool within_ten_seconds(const std::function<bool()>& good) {
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!good() && std::chrono::steady_clock::now() < limit)
        std::this_thread::sleep_for(1ms);
    return good();
}

AlertMessage message(const std::string& id) {
    AlertMessage made;
    made.id = id;
    return made;
}

struct World {
    Folder folder;
    std::unique_ptr<Log> log = Log::open({.path = folder.file("log")}).value();

    std::string logged() {
        CHECK(log->flush_within(5s));
        return folder.read("log");
    }
};

}  // namespace

TEST_SUITE("admin/alert_sender") {
    TEST_CASE("a message that is not taken is tried again until it is, and the log says so once") {
        World here;
        std::atomic<int> tries{0};
        AlertSender sender(
            "mail",
            [&](const AlertMessage&, const std::atomic<bool>&) {
                return SendResult{++tries < 4 ? "connection refused" : ""};
            },
            *here.log, quick);

        sender.push(message("a"));
        CHECK(within_ten_seconds([&] { return sender.counts().sent == 1; }));
        CHECK(tries == 4);
        CHECK(sender.counts().failed_tries == 3);
        CHECK(sender.counts().dropped == 0);
        CHECK(sender.counts().error.empty());
        const std::string log = here.logged();
        CHECK(log.find("connection refused") == log.rfind("connection refused"));
        CHECK(log.find("taken again") != std::string::npos);
    }

    TEST_CASE("what is refused for good, or too often, is given up, and the next has its turn") {
        World here;
        std::vector<std::string> seen;
        AlertSender sender(
            "hook",
            [&](const AlertMessage& one, const std::atomic<bool>&) {
                seen.push_back(one.id);
                return SendResult{one.id == "c" ? "" : "no", one.id == "a"};
            },
            *here.log, quick);

        sender.push(message("a"));
        sender.push(message("b"));
        sender.push(message("c"));
        CHECK(within_ten_seconds([&] { return sender.counts().sent == 1; }));
        CHECK(sender.counts().dropped == 2);
        CHECK(seen == std::vector<std::string>{"a", "b", "b", "b", "b", "b", "c"});
        CHECK(here.logged().find("given up") != std::string::npos);
    }

    TEST_CASE("a place that hangs holds up nobody: the queue is bounded, and the end is soon") {
        World here;
        std::atomic<bool> inside{false};
        auto sender = std::make_unique<AlertSender>(
            "hanging",
            [&](const AlertMessage&, const std::atomic<bool>& stop) {
                inside = true;
                while (!stop)
                    std::this_thread::sleep_for(1ms);
                return SendResult{"stopped"};
            },
            *here.log, quick);

        sender->push(message("first"));
        CHECK(within_ten_seconds([&] { return inside.load(); }));
        for (std::size_t i = 0; i < AlertSender::queue_max + 5; ++i)
            sender->push(message("later"));
        CHECK(sender->counts().waiting == AlertSender::queue_max + 1);
        CHECK(sender->counts().dropped == 5);
        sender.reset();  // does not wait for the other side
        CHECK(here.logged().find("stopped") == std::string::npos);
    }
}
