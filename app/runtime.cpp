#include "app/runtime.hpp"

#include "app/config_in_force.hpp"
#include "app/control_answer.hpp"
#include "app/control_server.hpp"
#include "app/door_watch.hpp"
#include "app/limits.hpp"
#include "app/listening.hpp"
#include "app/runtime_text.hpp"
#include "app/signals.hpp"
#include "app/stop_watchdog.hpp"
#include "app/text.hpp"
#include "app/worker_set.hpp"
#include "base/log_writer.hpp"
#include "config/diff.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <unistd.h>
#include <utility>
#include <vector>

namespace poise::app {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds sweep_interval{2};
// What the control thread's tasks get to end in when the program stops.
constexpr std::chrono::seconds end_limit{3};

std::string host_name() {
    std::string name(256, '\0');
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    name.resize(name.find('\0'));
    return name;
}

milliseconds longest_drain(const config::Config& config) {
    milliseconds longest{0};
    for (const auto& service : config.services)
        longest = std::max(longest, service.timeouts.drain);
    return longest;
}

}  // namespace

std::string_view version() {
    return "0.1.0";
}

// Members are made in this order and end in the opposite one: first what takes orders, then what
// serves, then what those write to.
struct Runtime::Impl {
    Impl(RuntimeOptions given, Log& to) : options(std::move(given)), log(to) {}
    ~Impl();

    std::expected<void, std::string> start();
    std::expected<void, std::string> open_outputs();
    proxy::WorkerShared shared_by_workers(unsigned count);
    void announce(Clock::time_point begun) const;
    ReloadOutcome reload();
    void on_server_event(const pool::ServerEvent& event);
    void sweep_later();
    void drain();
    void stop_now();
    void end();
    void reopen_logs();
    std::shared_ptr<pool::RealServer> find(std::string_view service, std::string_view server);

    enum class Stage : std::uint8_t { made, serving, draining, stopping, ended };

    RuntimeOptions options;
    Log& log;
    const Clock::time_point began = Clock::now();
    config::Node node_as_read;
    Stage stage = Stage::made;
    StopWatchdog watchdog{log};
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    proxy::Incidents incidents;
    std::unique_ptr<LogWriter> access_log;
    std::unique_ptr<pool::Monitor> monitor;
    std::unique_ptr<WorkerSet> workers;
    std::unique_ptr<ConfigInForce> in_force;
    DoorWatch door{incidents, log};
    asio::steady_timer sweep_timer{io};
    std::unique_ptr<Signals> signals;
    std::unique_ptr<ControlServer> control;
};

Runtime::Impl::~Impl() {
    if (stage != Stage::ended) {  // start() failed, or run() was never called
        if (workers) workers->stop_now();
        end();
    }
    io.run_for(end_limit);
    // What still runs would touch what is about to go.
    if (monitor && monitor->running() > 0) watchdog.give_up("health checks have not ended");
}

std::expected<void, std::string> Runtime::Impl::open_outputs() {
    if (options.node.access_log != config::AccessLog::off) {
        auto opened = LogWriter::open(options.node.log_file);
        if (!opened) {
            return std::unexpected(fmt::format("cannot write the access log to '{}': {}",
                                               options.node.log_file, opened.error().message()));
        }
        access_log = std::move(*opened);
    }
    if (!options.control_path.empty()) {
        auto opened = ControlServer::open(io.get_executor(), options.control_path);
        if (!opened && options.control_required) return std::unexpected(opened.error());
        if (opened) control = std::move(*opened);
    }
    return {};
}

proxy::WorkerShared Runtime::Impl::shared_by_workers(unsigned count) {
    proxy::WorkerShared shared;
    shared.incidents = &incidents;
    shared.access_log = access_log.get();
    shared.access_format = options.node.log_format;
    shared.connections_max =
        connections_max_per_worker(options.node.max_connections, raise_file_limit(), count);
    shared.log_error = [this](const std::string& line) { log.error(line); };
    return shared;
}

std::expected<void, std::string> Runtime::Impl::start() {
    assert(stage == Stage::made);
    const auto begun = Clock::now();
    node_as_read = options.node;
    if (options.node.name.empty()) options.node.name = host_name();
    if (auto opened = open_outputs(); !opened) return opened;
    const unsigned count = worker_count(options.node.workers);
    raise_file_limit();  // before the listeners, for there may be many
    auto sockets = open_listening_sockets(listening_places(options.config), count, {});
    if (!sockets) return std::unexpected(sockets.error());

    monitor = std::make_unique<pool::Monitor>(
        io.get_executor(), [this](const pool::ServerEvent& event) { on_server_event(event); });
    workers = std::make_unique<WorkerSet>(count, shared_by_workers(count),
                                          [this] { asio::post(io, [this] { end(); }); });
    in_force = std::make_unique<ConfigInForce>(*workers, *monitor, log);
    auto contexts = in_force->tls().prepare(options.config, count);
    if (!contexts) return std::unexpected(contexts.error());
    in_force->publish(std::move(options.config), std::move(*sockets), std::move(*contexts));
    workers->start();
    sweep_later();
    stage = Stage::serving;
    announce(begun);
    return {};
}

void Runtime::Impl::announce(Clock::time_point begun) const {
    for (const auto& service : in_force->config().services)
        log.info(service_line(service));
    const std::chrono::duration<double, std::milli> taken = Clock::now() - begun;
    log.info(fmt::format("ready in {:.1f} ms: Poise {}, node {}, {} worker{}{}", taken.count(),
                         version(), options.node.name, workers->size(),
                         workers->size() == 1 ? "" : "s",
                         control ? ", control socket " + options.control_path : ""));
}

ReloadOutcome Runtime::Impl::reload() {
    ReloadOutcome outcome;
    outcome.generation = in_force->generation().number;
    if (options.config_path.empty()) {
        outcome.error = "there is no file to load again: this Poise was started without one";
        return outcome;
    }
    if (stage != Stage::serving) {
        outcome.error = "Poise is stopping";
        return outcome;
    }
    auto loaded = config::load_config(options.config_path);
    if (!loaded) {
        outcome.error = fmt::format("{} has errors; nothing has changed", options.config_path);
        outcome.diagnostics = std::move(loaded.error());
        return outcome;
    }
    const auto held = listening_places(in_force->config());
    auto sockets = open_listening_sockets(listening_places(*loaded), workers->size(), held,
                                          in_force->places_ending());
    if (!sockets) {
        outcome.error = sockets.error() + "; nothing has changed";
        return outcome;
    }
    auto contexts = in_force->tls().prepare(*loaded, workers->size());
    if (!contexts) {
        outcome.error = contexts.error() + "; nothing has changed";
        return outcome;
    }
    outcome.changes = config::to_string(config::compare(in_force->config(), *loaded));
    if (const auto changes = node_changes(options.node_path, node_as_read); !changes.empty()) {
        if (!outcome.changes.ends_with('\n')) outcome.changes += '\n';
        outcome.changes += changes + '\n';
    }
    in_force->publish(std::move(*loaded), std::move(*sockets), std::move(*contexts));
    outcome.generation = in_force->generation().number;
    return outcome;
}

void Runtime::Impl::on_server_event(const pool::ServerEvent& event) {
    const std::string line = fmt::format("{}/{}: {}", event.service, event.server, event.text);
    event.bad ? log.warn(line) : log.info(line);
    const auto server = find(event.service, event.server);
    // Its clients are to find another one at once, and stay there.
    if (server && server->report().health == pool::Health::down) {
        in_force->forget_clients(event.service, event.server);
        workers->servers_lost();
    } else {
        workers->servers_won();
    }
    if (options.on_event) options.on_event(event);
}

void Runtime::Impl::sweep_later() {
    sweep_timer.expires_after(sweep_interval);
    sweep_timer.async_wait([this](const boost::system::error_code& error) {
        if (error || stage == Stage::ended) return;
        in_force->sweep(Clock::now());
        door.look(door_counts(*workers), Clock::now());
        log.tell_losses();
        sweep_later();
    });
}

void Runtime::Impl::drain() {
    if (stage == Stage::draining) return stop_now();
    if (stage != Stage::serving) return;
    stage = Stage::draining;
    const milliseconds limit = longest_drain(in_force->config());
    log.info(fmt::format("draining: no new connections; what runs gets at most {} s to end",
                         std::chrono::ceil<std::chrono::seconds>(limit).count()));
    workers->drain_and_stop(limit);
}

void Runtime::Impl::stop_now() {
    if (stage != Stage::serving && stage != Stage::draining) return;
    stage = Stage::stopping;
    log.info("stopping now");
    watchdog.start();
    workers->stop_now();
}

// The workers have ended, or were told to: the rest ends too, and with it run().
void Runtime::Impl::end() {
    if (stage == Stage::ended) return;
    stage = Stage::ended;
    if (signals) watchdog.start();  // else it never ran
    if (workers) workers->join();
    if (control) control->stop();
    if (monitor) monitor->stop();
    signals.reset();
    sweep_timer.cancel();
    work.reset();
}

void Runtime::Impl::reopen_logs() {
    if (const auto error = log.reopen())
        log.warn(fmt::format("cannot open the log anew: {}", error.message()));
    if (access_log) access_log->reopen();
}

std::shared_ptr<pool::RealServer> Runtime::Impl::find(std::string_view service,
                                                      std::string_view server) {
    const proxy::Service* found = in_force->generation().find(service);
    pool::RealServer* const known = found == nullptr ? nullptr : found->pool->find(server);
    return known == nullptr ? nullptr : known->shared_from_this();
}

Runtime::Runtime(RuntimeOptions options, Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), log)) {}

Runtime::~Runtime() = default;

std::expected<void, std::string> Runtime::start() {
    if (auto started = impl_->start(); !started) return started;
    impl_->signals = std::make_unique<Signals>(executor(), [this](Order order) {
        if (order == Order::reload) reload();
        if (order == Order::drain) drain();
        if (order == Order::stop) stop_now();
        if (order == Order::reopen_logs) impl_->reopen_logs();
    });
    if (impl_->control)
        impl_->control->serve(
            [this](std::string_view line) { return control_answer(*this, line); });
    return {};
}

void Runtime::run(const std::function<void()>& on_end) {
    while (impl_->stage != Impl::Stage::ended)
        impl_->io.run_one();
    if (on_end) on_end();
    impl_->io.run_for(end_limit);
    impl_->log.info("stopped");
}

void Runtime::drain() {
    impl_->drain();
}

void Runtime::stop_now() {
    impl_->stop_now();
}

ReloadOutcome Runtime::reload() {
    ReloadOutcome outcome = impl_->reload();
    Log& log = impl_->log;
    if (outcome.error.empty()) {
        log.info(fmt::format("reloaded: generation {} is in force", outcome.generation));
        for (const std::string& line : lines_of(outcome.changes))
            log.info("reloaded: " + line);
        return outcome;
    }
    log.error("reload refused: " + outcome.error);
    for (const auto& diagnostic : outcome.diagnostics)
        for (const std::string& line : lines_of(config::to_string(diagnostic)))
            log.error(line);
    return outcome;
}

bool Runtime::set_admin(std::string_view service, std::string_view server, pool::AdminState state) {
    const auto found = impl_->find(service, server);
    if (!found) return false;
    found->set_admin(state);
    impl_->log.info(fmt::format("{}/{}: {}, as ordered", service, server, word(state)));
    if (state == pool::AdminState::halt) {
        impl_->in_force->forget_clients(service, server);
        impl_->workers->servers_lost();
    } else {
        impl_->workers->servers_won();
    }
    return true;
}

bool Runtime::set_weight(std::string_view service, std::string_view server, std::uint32_t weight) {
    const auto found = impl_->find(service, server);
    if (!found) return false;
    found->set_weight(weight);
    impl_->workers->servers_won();
    impl_->log.info(fmt::format("{}/{}: weight {}, as ordered", service, server, weight));
    return true;
}

Status Runtime::status() const {
    Status status;
    status.node = impl_->options.node.name;
    status.version = version();
    status.uptime_s = std::chrono::duration<double>(Clock::now() - impl_->began).count();
    status.generation = generation().number;
    status.generations_ending = impl_->in_force->generations_ending();
    status.workers = impl_->workers->size();
    for (unsigned i = 0; i < impl_->workers->size(); ++i)
        status.connections += (*impl_->workers)[i].clients();
    const DoorCounts door = door_counts(*impl_->workers);
    status.refused_connections = door.refused_connections;
    status.accept_errors = door.accept_errors;
    status.incidents = incidents().total();
    status.draining = impl_->stage == Impl::Stage::draining;
    for (const auto& service : generation().services)
        status.services.push_back(status_of(*service));
    return status;
}

const proxy::Generation& Runtime::generation() const {
    return impl_->in_force->generation();
}

const proxy::Incidents& Runtime::incidents() const {
    return impl_->incidents;
}

bool Runtime::has_control() const {
    return impl_->control != nullptr;
}

asio::any_io_executor Runtime::executor() {
    return impl_->io.get_executor();
}

}  // namespace poise::app
