#include "app/runtime.hpp"

#include "app/control_answer.hpp"
#include "app/limits.hpp"
#include "app/listening.hpp"
#include "app/runtime_impl.hpp"
#include "app/runtime_text.hpp"
#include "app/text.hpp"
#include "base/start_pages.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace poise::app {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds sweep_interval{2};
constexpr std::chrono::milliseconds start_time{200};  // the first clients are not to wait for it
// What the control thread's tasks get to end in when the program stops.
constexpr std::chrono::seconds end_limit{3};

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

struct Runtime::Impl::Loop {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    asio::steady_timer sweep_timer{io};
    asio::steady_timer start_timer{io};
};

Runtime::Impl::Impl(RuntimeOptions given, Log& to)
    : options(std::move(given)),
      log(to),
      loop(std::make_unique<Loop>()),
      systemd(loop->io.get_executor(), ServiceManager::from_environment()) {}

Runtime::Impl::~Impl() {
    if (stage != Stage::ended) {  // start() failed, or run() was never called
        if (workers) workers->stop_now();
        end();
    }
    loop->io.run_for(end_limit);
    // What still runs would touch what is about to go.
    if (monitor && monitor->running() > 0) watchdog.give_up("health checks have not ended");
    if (pair && pair->hooks() > 0) watchdog.give_up("the hook of the pair has not ended");
    if (in_force && in_force->tls().running() > 0) watchdog.give_up("OCSP has not ended");
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
        auto opened = ControlServer::open(loop->io.get_executor(), options.control_path);
        if (!opened && options.control_required) return std::unexpected(opened.error());
        if (opened) control = std::move(*opened);
    }
    return {};
}

proxy::WorkerShared Runtime::Impl::shared_by_workers(unsigned count, IoKind io) {
    proxy::WorkerShared shared;
    shared.io = io;
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
    const auto io = choose_io(options.node.io);
    if (!io) return std::unexpected(fmt::format("{} | {}", io.error().message, io.error().hint));
    if (!io->why_not_io_uring.empty())
        log.info(fmt::format("sockets are served by epoll: {}", io->why_not_io_uring));
    raise_file_limit();  // before the listeners, for there may be many
    auto sockets = open_listening_sockets(listening_places(options.config), count, {});
    if (!sockets) return std::unexpected(sockets.error());

    monitor = std::make_unique<pool::Monitor>(
        loop->io.get_executor(),
        [this](const pool::ServerEvent& event) { on_server_event(event); });
    workers = std::make_unique<WorkerSet>(count, shared_by_workers(count, io->kind),
                                          [this] { asio::post(loop->io, [this] { end(); }); });
    in_force = std::make_unique<ConfigInForce>(loop->io.get_executor(), *workers, *monitor, log);
    auto contexts = in_force->tls().prepare(options.config, count);
    if (!contexts) return std::unexpected(contexts.error());
    layer4 = std::make_unique<Layer4>(loop->io.get_executor(), options.node.fast_path, count, log);
    if (auto opened = layer4->prepare(options.config); !opened) return opened;
    in_force->publish(std::move(options.config), std::move(*sockets), std::move(*contexts));
    auto paired = PairInForce::start(loop->io.get_executor(), options.node, in_force->config(),
                                     in_force->generation(), pair_start(), log);
    if (!paired) return std::unexpected(paired.error());
    pair = std::move(*paired);
    layer4->adopt(in_force->generation());
    latency.look(in_force->generation(), Clock::now());  // so that the first minute has its start
    workers->start();
    sweep_later();
    stage = Stage::serving;
    announce(begun);
    return {};
}

PairStart Runtime::Impl::pair_start() {
    PairStart start;
    start.config_path = options.config_path;
    start.history_folder =
        options.node.admin.state_dir.empty() ? state_folder() : options.node.admin.state_dir;
    start.hooks.reload = [this] {
        const ReloadOutcome outcome = reload_and_tell();
        if (outcome.error.empty() || outcome.diagnostics.empty()) return outcome.error;
        return config::to_string(outcome.diagnostics.front());
    };
    start.hooks.secrets = [this] { return in_force->secrets(); };
    start.hooks.adopt_secrets = [this](const std::vector<std::uint8_t>& secrets) {
        if (stage != Stage::serving || !in_force->adopt_secrets(secrets)) return;
        log.info("pair: took the other node's keys of cookies and session tickets");
        published();
    };
    l4::FlowSync& flows = layer4->flows();
    start.hooks.flows = {
        .begin = [&flows] { flows.begin(); },
        .end = [&flows] { flows.end(); },
        .take = [&flows](std::size_t most) { return flows.take(most, Clock::now()); },
        .adopt =
            [&flows](std::span<const std::uint8_t> pieces) {
                const auto adopted = flows.adopt(pieces);
                if (adopted) return ha::FlowSource::Adopted::taken;
                return adopted.error() == l4::AdoptFailure::full ? ha::FlowSource::Adopted::later
                                                                 : ha::FlowSource::Adopted::broken;
            }};
    return start;
}

// Another generation is in force, from the same files or from new ones.
void Runtime::Impl::published() {
    if (pair) pair->published(in_force->config(), in_force->generation());
    layer4->adopt(in_force->generation());
}

void Runtime::Impl::announce(Clock::time_point begun) const {
    for (const auto& service : in_force->config().services)
        log.info(service_line(service));
    const std::chrono::duration<double, std::milli> taken = Clock::now() - begun;
    log.info(fmt::format("ready in {:.1f} ms: Poise {}, node {}, {} worker{}, {}{}", taken.count(),
                         version(), options.node.name, workers->size(),
                         workers->size() == 1 ? "" : "s", to_string(workers->io()),
                         control ? ", control socket " + options.control_path : ""));
}

void Runtime::Impl::sweep_later() {
    loop->sweep_timer.expires_after(sweep_interval);
    loop->sweep_timer.async_wait([this](const boost::system::error_code& error) {
        if (error || stage == Stage::ended) return;
        in_force->sweep(Clock::now());
        if (stage == Stage::serving && in_force->renew_certificates(Clock::now())) published();
        if (pair) pair->look();
        door.look(door_counts(*workers), Clock::now());
        latency.look(in_force->generation(), Clock::now());
        log.tell_losses();
        sweep_later();
    });
}

void Runtime::Impl::drain() {
    if (stage == Stage::draining) return stop_now();
    if (stage != Stage::serving) return;
    stage = Stage::draining;
    systemd.stopping();
    if (pair) pair->stop();  // while everything still serves
    const milliseconds limit = longest_drain(in_force->config());
    log.info(fmt::format("draining: no new connections; what runs gets at most {} s to end",
                         std::chrono::ceil<std::chrono::seconds>(limit).count()));
    workers->drain_and_stop(limit);
}

void Runtime::Impl::stop_now() {
    if (stage != Stage::serving && stage != Stage::draining) return;
    if (pair && stage == Stage::serving) pair->stop();
    stage = Stage::stopping;
    systemd.stopping();
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
    if (layer4) layer4->stop();
    if (control) control->stop();
    if (monitor) monitor->stop();
    if (pair) pair->cancel_hook();
    if (in_force) in_force->tls().stop();
    signals.reset();
    loop->sweep_timer.cancel();
    loop->start_timer.cancel();
    systemd.end();
    loop->work.reset();
}

void Runtime::Impl::reopen_logs() {
    if (const auto error = log.reopen())
        log.warn(fmt::format("cannot open the log anew: {}", error.message()));
    if (access_log) access_log->reopen();
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
    impl_->systemd.ready();
    return {};
}

void Runtime::run(const std::function<void()>& on_end) {
    impl_->loop->start_timer.expires_after(start_time);
    impl_->loop->start_timer.async_wait([this](const boost::system::error_code& error) {
        // A node of a pair must not wait for the disk when it takes over.
        if (!error && !impl_->pair) release_start_pages();
    });
    while (impl_->stage != Impl::Stage::ended)
        impl_->loop->io.run_one();
    if (on_end) on_end();
    impl_->loop->io.run_for(end_limit);
    impl_->log.info("stopped");
}

void Runtime::drain() {
    impl_->drain();
}

void Runtime::stop_now() {
    impl_->stop_now();
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
    return impl_->loop->io.get_executor();
}

}  // namespace poise::app
