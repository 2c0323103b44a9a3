#include "app/admin_door.hpp"

#include "app/control_answer.hpp"
#include "app/machine_checks.hpp"
#include "app/state_key.hpp"
#include "app/text.hpp"
#include "app/why.hpp"
#include "config/diff.hpp"
#include "config/load.hpp"
#include "tls/certificate.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

namespace poise::app {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t incidents_shown = 50;
constexpr std::chrono::seconds flows_limit{2};  // what is found until then is shown

admin::ConfigOutcome failed(std::string error, const config::Diagnostics& diagnostics) {
    admin::ConfigOutcome outcome;
    outcome.error = std::move(error);
    for (const config::Diagnostic& one : diagnostics)
        outcome.problems.push_back({one.at.line, one.at.column, one.message, one.hint});
    return outcome;
}

std::int64_t seconds_of(std::chrono::system_clock::time_point at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

admin::CertificateFacts facts_of(const config::Certificate& configured) {
    admin::CertificateFacts facts;
    facts.file = configured.cert;
    const auto loaded = tls::Certificate::load(configured.cert, configured.key);
    if (!loaded) {
        facts.error = loaded.error().message;
        return facts;
    }
    const tls::Certificate& certificate = **loaded;
    facts.subject = certificate.subject();
    facts.issuer = certificate.issuer();
    facts.names = certificate.names();
    facts.key_kind = tls::word(certificate.kind());
    facts.not_before = seconds_of(certificate.not_before());
    facts.not_after = seconds_of(certificate.not_after());
    for (const tls::Problem& warning :
         certificate.warnings(std::chrono::system_clock::now(), configured.ocsp_stapling))
        facts.warnings.push_back(warning.message);
    return facts;
}

}  // namespace

// What a question that is under way and the end of the program share; outlives both.
struct AdminDoor::Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;
};

admin::AdminOptions admin_options(const config::Node& node, const std::string& config_path,
                                  const std::string& node_path) {
    const config::Admin defaults = config::admin_defaults();
    admin::AdminOptions options;
    options.http = node.admin.http;
    options.https = node.admin.https;
    options.places_required =
        node.admin.http != defaults.http || node.admin.https != defaults.https;
    options.state_folder = node.admin.state_dir.empty() ? state_folder() : node.admin.state_dir;
    const std::filesystem::path beside = std::filesystem::path(node_path).parent_path();
    options.users_file = node.admin.users_file;
    if (options.users_file.empty() && !node_path.empty())
        options.users_file = (beside / "users.yaml").string();
    options.config_path = config_path;
    options.alerts = node.alerts;
    options.node_name = node.name.empty() ? host_name() : node.name;
    return options;
}

AdminDoor::AdminDoor(admin::AdminOptions options, Runtime& runtime, Log& log)
    : runtime_(runtime),
      config_path_(options.config_path),
      gate_(std::make_shared<Gate>()),
      admin_(std::move(options), *this, log) {}

AdminDoor::~AdminDoor() {
    stop();
}

std::expected<void, std::string> AdminDoor::start() {
    return admin_.start();
}

void AdminDoor::stop() {
    {
        const std::lock_guard lock(gate_->mutex);
        gate_->closed = true;
    }
    gate_->changed.notify_all();
    admin_.stop();
}

void AdminDoor::tell(const pool::ServerEvent& event) {
    admin_.tell({"server", event.service, event.server, event.text, event.bad});
}

void AdminDoor::tell(const ReloadOutcome& outcome) {
    std::string error = outcome.error;
    if (!outcome.diagnostics.empty()) {
        const config::Diagnostic& first = outcome.diagnostics.front();
        error = fmt::format("{}:{}:{}: {}", first.at.file, first.at.line, first.at.column,
                            first.message);
        if (outcome.diagnostics.size() > 1)
            error += fmt::format(" (and {} more)", outcome.diagnostics.size() - 1);
    }
    admin_.tell_reload(std::move(error));
}

bool AdminDoor::on_control_thread(const std::function<void()>& work) {
    bool done = false;
    std::unique_lock lock(gate_->mutex);
    if (gate_->closed) return false;
    // Once the gate is closed nobody waits, and what this would touch may be gone.
    asio::post(runtime_.executor(), [gate = gate_, &work, &done] {
        const std::lock_guard working(gate->mutex);
        if (gate->closed) return;
        work();
        done = true;
        gate->changed.notify_all();
    });
    gate_->changed.wait(lock, [&] { return done || gate_->closed; });
    return done;
}

std::string AdminDoor::status_json() {
    std::string text;
    on_control_thread([&] { text = status_to_json(runtime_.status()); });
    return text;
}

std::optional<std::string> AdminDoor::order(const std::string& service, const std::string& server,
                                            admin::ServerOrder order, std::uint32_t weight) {
    std::optional<std::string> answer;
    on_control_thread([&] {
        using admin::ServerOrder;
        using pool::AdminState;
        const bool found =
            order == ServerOrder::weight
                ? runtime_.set_weight(service, server, weight)
                : runtime_.set_admin(service, server,
                                     order == ServerOrder::drain  ? AdminState::drain
                                     : order == ServerOrder::halt ? AdminState::halt
                                                                  : AdminState::online);
        if (!found) return;
        const proxy::Service* known = runtime_.generation().find(service);
        const ServerStatus now = status_of(*known->pool->find(server));
        answer = json{{"name", now.name},
                      {"state", now.state},
                      {"weight", now.weight},
                      {"connections", now.connections}}
                     .dump();
    });
    return answer;
}

std::optional<std::string> AdminDoor::incidents_json(const std::string& about) {
    std::optional<std::string> text;
    on_control_thread([&] { text = why_json(runtime_, about, incidents_shown); });
    return text;
}

std::string AdminDoor::order_pair(admin::PairOrder order) {
    std::string why_not = "Poise is stopping";
    on_control_thread([&] {
        why_not =
            order == admin::PairOrder::takeover ? runtime_.takeover(false) : runtime_.standby();
    });
    return why_not;
}

admin::ConfigOutcome AdminDoor::reload() {
    admin::ConfigOutcome outcome{.error = "Poise is stopping"};
    on_control_thread([&] {
        const ReloadOutcome reloaded = runtime_.reload();
        outcome = failed(reloaded.error, reloaded.diagnostics);
        outcome.changes = lines_of(reloaded.changes);
        outcome.generation = reloaded.generation;
    });
    return outcome;
}

admin::ConfigOutcome AdminDoor::check(const std::string& text) {
    const std::string name = config_path_.empty() ? "poise.yaml" : config_path_;
    const std::string folder = std::filesystem::path(name).parent_path().string();
    // Places to listen on are tried when it is applied: those in use are mostly our own.
    config::MachineChecks machine = machine_checks("");
    machine.listen = nullptr;
    auto parsed = config::parse_config(text, name, folder, machine);
    if (!parsed) return failed("the configuration has errors", parsed.error());
    admin::ConfigOutcome outcome{.error = "Poise is stopping"};
    on_control_thread([&] {
        config::Config in_force;
        for (const auto& service : runtime_.generation().services)
            in_force.services.push_back(service->configured);
        outcome.error.clear();
        outcome.generation = runtime_.generation().number;
        outcome.changes = lines_of(config::to_string(config::compare(in_force, *parsed)));
    });
    return outcome;
}

// Copied on the control thread; the table itself may be looked at by any.
ClientTable AdminDoor::client_table(const std::string& service) {
    ClientTable clients;
    on_control_thread([&] {
        const proxy::Service* const known = runtime_.generation().find(service);
        if (known == nullptr || !known->table) return;
        clients.table = known->table;
        clients.keys = known->keys;
        clients.by_address =
            known->configured.persistence.method == config::PersistenceMethod::source;
        for (std::size_t i = 0; i < known->server_ids.size(); ++i)
            clients.servers.emplace_back(known->server_ids[i], known->pool->servers()[i]->name());
    });
    return clients;
}

std::expected<std::string, std::string> AdminDoor::clients_json(const admin::ListFilter& filter) {
    const ClientTable clients = client_table(filter.service);
    if (!clients.table) {
        return std::unexpected(fmt::format(
            "there is no service '{}', or it keeps no table of clients: a cookie needs none",
            filter.service));
    }
    return clients_to_json(clients, filter, std::chrono::steady_clock::now());
}

bool AdminDoor::forget_client(const std::string& service, const std::string& key) {
    const auto wanted = key_of(key);
    const ClientTable clients = client_table(service);
    return wanted && clients.table && clients.table->erase(*wanted);
}

std::string AdminDoor::flows_json(const admin::ListFilter& filter) {
    std::shared_ptr<FlowList> list;
    if (!on_control_thread([&] { list = runtime_.list_flows(filter); })) return {};
    if (!list) return json{{"total", 0}, {"whole", true}, {"flows", json::array()}}.dump();
    return list->wait(flows_limit);
}

std::vector<admin::CertificateFacts> AdminDoor::certificates() {
    std::vector<admin::CertificateFacts> all;
    if (config_path_.empty()) return all;
    const auto config = config::load_config(config_path_);
    if (!config) return all;
    for (const config::Certificate& certificate : config->certificates)
        all.push_back(facts_of(certificate));
    std::vector<CertificateStatus> served;
    on_control_thread([&] { served = runtime_.certificates(); });
    for (admin::CertificateFacts& facts : all) {
        const auto found = std::ranges::find(served, facts.file, &CertificateStatus::file);
        if (found == served.end()) continue;
        facts.ocsp = found->ocsp;
        facts.stapled_until = found->stapled_until;
    }
    return all;
}

}  // namespace poise::app
