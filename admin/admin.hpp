// The administration of a running Poise: a thread of its own that serves page, API and metrics.
#pragma once

#include "admin/program.hpp"
#include "base/address.hpp"
#include "base/log.hpp"
#include "config/model.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::admin {

struct AdminOptions {
    std::optional<Address> http, https;  // nullopt: not listened on
    bool places_required = false;        // else a place in use is a warning
    std::string users_file;              // empty: in the state folder
    std::string state_folder;            // empty, or not writable: nothing outlives the process
    std::string config_path;             // empty: there is no file
    std::string node_name;
    config::Alerts alerts;
};

struct Event {
    std::string kind;  // "server", "order", "config", "pair"
    std::string service, server;
    std::string text;
    bool bad = false;
};

/// Made, started and stopped by the control thread. Its own thread does the rest and only ever
/// asks `program`.
class Admin {
public:
    /// Both outlive it.
    Admin(AdminOptions options, Program& program, Log& log);
    ~Admin();  // stops
    Admin(const Admin&) = delete;
    Admin& operator=(const Admin&) = delete;

    /// The error is a sentence. Once only.
    std::expected<void, std::string> start();
    void stop();

    /// Any thread. Bounded: what comes too fast is counted and told as one.
    void tell(Event event);
    /// Any thread. Of a reload: empty when it is in force, else why it was refused.
    void tell_reload(std::string error);

    /// Where the page was at the start: "http://127.0.0.1:9080"; empty when nowhere.
    std::string url() const;
    /// With the one-time link, as long as there are no users; else as url().
    std::string first_url() const;
    /// Where it has listened since its start.
    std::vector<Address> places() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace poise::admin
