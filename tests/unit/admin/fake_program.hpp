// A running program that is none: answers what a test gave it, and an Api around it.
#pragma once

#include "admin/alerts.hpp"
#include "admin/api.hpp"
#include "admin/history.hpp"
#include "base/log.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <unistd.h>

namespace poise::admin::test {

struct Folder {
    Folder() {
        std::string made = (std::filesystem::temp_directory_path() / "poise-admin-XXXXXX").string();
        REQUIRE(::mkdtemp(made.data()) != nullptr);
        path = made;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const std::string& name) const { return (path / name).string(); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
        return file(name);
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path / name).rdbuf();
        return text.str();
    }

    std::filesystem::path path;
};

constexpr const char* one_service =
    R"({"node":"lb1","version":"1","uptime_s":5,"generation":1,"workers":2,"connections":3,)"
    R"("services":[{"name":"web","protocol":"http","mode":"snat","requests":12,"bytes_in":1,)"
    R"("bytes_out":2,"sessions":3,"responses":{"2xx":11,"5xx":1,"none":0},)"
    R"("failures":{"no_server":1},"servers":[{"name":"web1","state":"up","weight":100,)"
    R"("connections":3,"successes":11,"failures":1,"response_us":1500}]}]})";

class FakeProgram final : public Program {
public:
    std::string status_json() override { return status; }
    std::optional<std::string> order(const std::string& service, const std::string& server,
                                     ServerOrder, std::uint32_t weight) override {
        orders.push_back(service + "/" + server + " " + std::to_string(weight));
        return R"({"state":"drain","weight":)" + std::to_string(weight) + "}";
    }
    std::optional<std::string> incidents_json(const std::string& id) override {
        if (!id.empty()) return std::nullopt;
        return "[]";
    }
    std::string order_pair(PairOrder) override { return pair_error; }
    ConfigOutcome reload() override {
        ++reloads;
        return {.error = reload_error, .problems = {}, .changes = {}, .generation = 2};
    }
    ConfigOutcome check(const std::string& text) override {
        if (text.find("wrong") == std::string::npos)
            return {.error = {}, .problems = {}, .changes = {"something changes"}};
        return {.error = "the configuration has errors",
                .problems = {{2, 5, "that is wrong", "write something else"}},
                .changes = {}};
    }
    std::vector<CertificateFacts> certificates() override { return {}; }

    std::expected<std::string, std::string> clients_json(const ListFilter& filter) override {
        asked = filter;
        if (filter.service != "web") return std::unexpected("there is no such service");
        return R"({"clients":[]})";
    }
    bool forget_client(const std::string& service, const std::string& key) override {
        return service == "web" && key == "00ff";
    }
    std::string flows_json(const ListFilter& filter) override {
        asked = filter;
        return R"({"flows":[]})";
    }

    ListFilter asked;
    std::string status = one_service;
    std::string reload_error, pair_error;
    int reloads = 0;
    std::vector<std::string> orders;
};

/// An Api with three users, "viewer", "operator" and "administrator", whose password is
/// `password`, over files in a folder of its own. Time stands still.
struct Fixture {
    static constexpr const char* password = "correct horse";

    Fixture() { CHECK_FALSE(access.refresh()); }

    /// As `Fixture()` with the users. Hashing them costs a tenth of a second each.
    void add_users() {
        REQUIRE(access.change([](Users& users) -> std::expected<void, std::string> {
            for (const Role role : {Role::administrator, Role::operator_, Role::viewer}) {
                if (auto added = add_user(users, std::string(word(role)), role, password, 1);
                    !added)
                    return added;
            }
            return {};
        }));
    }

    Request request(Method method, const std::string& path, const std::string& body = "") const {
        return {.method = method,
                .path = path,
                .query = {},
                .body = body,
                .client = *parse_address("127.0.0.1:4000"),
                .tls = true,
                .host = "lb1:9443",
                .origin = {},
                .cookie = {},
                .authorization = {},
                .csrf = {},
                .content_type = body.empty() ? "" : "application/json",
                .if_none_match = {}};
    }
    Request as(const Principal& who, Request request) const {
        request.cookie = std::string(cookie_name(true)) + "=" + who.session;
        request.csrf = who.csrf;
        return request;
    }
    Principal sign_in(const std::string& name) {
        auto who = access.sign_in(name, password, *parse_address("127.0.0.1:4000"), time);
        REQUIRE(who);
        return *who;
    }
    Response answered(const Request& request) { return answer(api, request); }

    Folder folder;
    Api::Time time{std::chrono::seconds{1'800'000'000}};
    std::unique_ptr<Log> log = Log::open({.path = folder.file("log")}).value();
    FakeProgram program;
    Access access{UserFile(folder.file("users.yaml"))};
    ConfigStore config{folder.write("poise.yaml", "# mine\nservices: {}\n"), folder.file(""),
                       program};
    Journal events{""}, audit{folder.file("audit.log")};
    Feed feed;
    History history{""};
    Alerts alerts{{}, "lb1", *log};
    Api api{program, access, config, events, audit, feed, *log, [this] { return time; },
            history, alerts};
};

}  // namespace poise::admin::test
