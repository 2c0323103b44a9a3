// Flows of layer 4 as a list: a piece of the table at a time, filtered, bounded.
#include "app/flow_list.hpp"

#include "base/address.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace poise;
using namespace poise::app;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct World {
    World() {
        auto made = std::make_shared<l4::Services>();
        for (const char* name : {"mail", "video"}) {
            auto service = std::make_shared<l4::Service>();
            service->name = name;
            made->services.push_back(std::move(service));
        }
        made->servers = {{.ip = parse_ip("10.1.0.1")->ip, .port = 2525, .service = 0},
                         {.ip = parse_ip("10.1.0.2")->ip, .port = 0, .service = 1}};
        made->vips = {parse_ip("10.0.0.100")->ip};
        services = made;
        flows.advance(l4::FlowTable::Clock::time_point{1000h});
    }
    void add(const std::string& client, std::uint16_t port, std::uint16_t server) {
        l4::Flow* const flow = flows.insert({parse_ip(client)->ip, port, l4::protocol_tcp},
                                            l4::FlowState::established, 90s);
        REQUIRE(flow != nullptr);
        flow->server = server;
        flow->port = 25;
    }
    json listed(const admin::ListFilter& filter) {
        FlowList list(filter, services);
        looks = 1;
        while (list.look(flows, true) == FlowList::Looked::more)
            ++looks;
        return json::parse(list.wait(0s));
    }

    l4::FlowTable flows{20'000, HashKey{}, [](l4::Flow&) {}};
    std::shared_ptr<const l4::Services> services;
    int looks = 0;
};

}  // namespace

TEST_SUITE("app/flow_list") {
    TEST_CASE("a flow is told with both ends, its service and what is left of it") {
        World here;
        here.add("10.9.0.1", 40'000, 0);

        const json all = here.listed({});
        CHECK(all["total"] == 1);
        CHECK(all["whole"] == true);
        const json flow = all["flows"].at(0);
        CHECK(flow["client"] == "10.9.0.1:40000");
        CHECK(flow["listen"] == "10.0.0.100:25");
        CHECK(flow["to"] == "10.1.0.1:2525");
        CHECK(flow["service"] == "mail");
        CHECK(flow["state"] == "established");
        CHECK(flow["fast"] == false);
        CHECK(flow["protocol"] == "tcp");
        CHECK(flow["expires_in_s"] >= 89);
        CHECK(flow["expires_in_s"] <= 91);
    }

    TEST_CASE("flows of several threads make one list, and all of them are counted") {
        World one;
        World other;
        one.add("10.9.0.1", 1, 0);
        other.add("10.9.0.2", 2, 1);
        other.add("10.9.0.3", 3, 1);
        const auto listed = [&](std::size_t count_max) {
            FlowList list({.count_max = count_max}, one.services);
            CHECK(list.look(one.flows, false) == FlowList::Looked::end_of_table);
            CHECK(list.look(other.flows, true) == FlowList::Looked::done);
            return json::parse(list.wait(0s));
        };

        const json all = listed(100);
        CHECK(all["flows"].size() == 3);
        CHECK(all["total"] == 3);
        CHECK(all["whole"] == true);
        const json some = listed(0);
        CHECK(some["flows"].empty());
        CHECK(some["total"] == 3);
        CHECK(some["whole"] == false);
    }

    TEST_CASE("filters choose by service and by client") {
        World here;
        here.add("10.9.0.1", 1, 0);
        here.add("10.9.0.1", 2, 1);
        here.add("10.9.0.2", 3, 1);

        CHECK(here.listed({.service = "video"})["flows"].size() == 2);
        CHECK(here.listed({.client = "10.9.0.1"})["flows"].size() == 2);
        CHECK(here.listed({.service = "video", .client = "10.9.0.1"})["flows"].size() == 1);
        CHECK(here.listed({.service = "shop"})["flows"].empty());
        CHECK(here.listed({.client = "nobody"})["flows"].empty());
    }

    TEST_CASE("a large table is looked at in pieces, and no more is copied than is wanted") {
        World here;
        for (std::uint16_t i = 1; i <= 10'000; ++i)
            here.add("10.9.0.1", i, i % 2);

        const json some = here.listed({.count_max = 10});
        CHECK(some["flows"].size() == 10);
        CHECK(some["total"] == 10'000);
        CHECK(some["whole"] == false);
        CHECK(here.looks == 1);
        const json none = here.listed({.client = "10.9.0.2"});
        CHECK(none["flows"].empty());
        CHECK(none["whole"] == true);
        CHECK(here.looks == 3);
    }

    TEST_CASE("who does not wait any more is looked for no more") {
        World here;
        for (std::uint16_t i = 1; i <= 5'000; ++i)
            here.add("10.9.0.1", i, 0);
        FlowList list({.client = "10.9.0.2"}, here.services);

        CHECK(list.look(here.flows, true) == FlowList::Looked::more);
        CHECK(json::parse(list.wait(0s))["whole"] == false);
        CHECK(list.look(here.flows, true) == FlowList::Looked::done);
    }

    TEST_CASE("what leads to a flow is not listed as one") {
        World here;
        here.add("10.0.0.100", 50'000, 0);
        here.flows.visit(0, 1, [](l4::Flow& flow) { flow.aside = true; });
        here.add("10.1.0.7", 1, 0);

        const json flows = here.listed({})["flows"];
        REQUIRE(flows.size() == 1);
        CHECK(flows.at(0)["client"] == "10.1.0.7:1");
    }

    TEST_CASE("a flow of a server that is gone has no service") {
        World here;
        here.add("10.9.0.1", 1, 77);

        const json flow = here.listed({})["flows"].at(0);
        CHECK(flow["service"] == "");
        CHECK(flow["server"] == "");
        CHECK_FALSE(flow.contains("to"));
    }
}
