// What persistence remembers, as a list: filtered, bounded, the last seen first.
#include "app/client_list.hpp"

#include "base/address.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace poise;
using namespace poise::app;
using namespace std::chrono_literals;
using nlohmann::json;
using persistence::Table;

namespace {

struct World {
    World() {
        clients.table = std::make_shared<Table>(1'000, 60s);
        clients.keys.emplace("web", HashKey{});
        clients.by_address = true;
        clients.servers = {{7, "web1"}, {8, "web2"}};
    }
    void put(const std::string& client, std::uint64_t server, std::chrono::seconds ago) const {
        clients.table->put(clients.keys->from_address(*parse_ip(client)), server, now - ago);
    }
    json listed(const admin::ListFilter& filter) const {
        return json::parse(clients_to_json(clients, filter, now));
    }

    ClientTable clients;
    Table::TimePoint now{1000h};
};

}  // namespace

TEST_SUITE("app/client_list") {
    TEST_CASE("the last seen come first, no more than wanted, with their server") {
        World here;
        here.put("10.0.0.1", 7, 20s);
        here.put("10.0.0.2", 8, 5s);
        here.put("10.0.0.3", 9, 10s);  // of a server that is gone

        const json all = here.listed({});
        CHECK(all["total"] == 3);
        CHECK(all["matched"] == 3);
        REQUIRE(all["clients"].size() == 3);
        CHECK(all["clients"][0]["server"] == "web2");
        CHECK(all["clients"][0]["idle_s"] == 5);
        CHECK(all["clients"][0]["expires_in_s"] == 55);
        CHECK(all["clients"][1]["server"].is_null());
        CHECK(all["clients"][2]["server"] == "web1");
        const json one = here.listed({.count_max = 1});
        CHECK(one["matched"] == 3);
        REQUIRE(one["clients"].size() == 1);
        CHECK(one["clients"][0] == all["clients"][0]);
    }

    TEST_CASE("a filter finds a client by what it is known by, and a server's clients") {
        World here;
        here.put("10.0.0.1", 7, 1s);
        here.put("10.0.0.2", 8, 1s);

        CHECK(here.listed({.client = "10.0.0.2"})["clients"][0]["server"] == "web2");
        CHECK(here.listed({.client = "10.0.0.9"})["matched"] == 0);
        CHECK(here.listed({.client = "nobody"})["matched"] == 0);
        CHECK(here.listed({.server = "web1"})["matched"] == 1);
        CHECK(here.listed({.server = "web3"})["matched"] == 0);
        CHECK(here.listed({.server = "web1", .client = "10.0.0.2"})["matched"] == 0);
    }

    TEST_CASE("a service that keeps texts is asked by text") {
        World here;
        here.clients.by_address = false;
        here.clients.table->put(here.clients.keys->from_text("session-7"), 7, here.now);

        CHECK(here.listed({.client = "session-7"})["matched"] == 1);
        CHECK(here.listed({.client = "10.0.0.1"})["matched"] == 0);
    }

    TEST_CASE("what has expired is not shown, swept or not") {
        World here;
        here.put("10.0.0.1", 7, 61s);

        CHECK(here.listed({})["matched"] == 0);
        CHECK(here.listed({})["total"] == 1);
    }

    TEST_CASE("a key comes back as it was shown, and nothing else is a key") {
        World here;
        here.put("10.0.0.1", 7, 1s);
        const std::string shown = here.listed({})["clients"][0]["key"];

        REQUIRE(key_of(shown));
        CHECK(here.clients.table->erase(*key_of(shown)));
        CHECK(here.listed({})["matched"] == 0);
        for (const char* wrong :
             {"", "00ff", "zz", "0123456789abcdef0123456789abcdeg",
              "0123456789abcdef 123456789abcdef", "0123456789abcdef0123456789abcdef0"}) {
            CAPTURE(wrong);
            CHECK_FALSE(key_of(wrong));
        }
    }
}
