#include "admin/admin.hpp"

#include "admin/alerts.hpp"
#include "admin/api.hpp"
#include "admin/file.hpp"
#include "admin/history.hpp"
#include "admin/http_server.hpp"
#include "admin/recorder.hpp"
#include "admin/self_signed.hpp"
#include "base/signals_blocked.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <atomic>
#include <cassert>
#include <pthread.h>
#include <thread>
#include <utility>

namespace poise::admin {

namespace asio = boost::asio;
using std::chrono::system_clock;

namespace {

constexpr std::chrono::seconds tick_interval{1};
constexpr std::chrono::seconds end_limit{5};
constexpr std::int64_t certificates_every_s = 60;
constexpr unsigned events_waiting_max = 1'000;

std::int64_t now_s() {
    return std::chrono::floor<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
}

// The state folder that can be used; empty, with a warning, when it cannot.
std::string usable_folder(const std::string& wanted, Log& log) {
    if (wanted.empty()) return {};
    if (auto made = make_folder(wanted); made) return wanted;
    log.warn(
        fmt::format("administration: users, history and certificate will not outlive this "
                    "process: {} cannot be written to",
                    wanted));
    return {};
}

std::string in_folder(const std::string& folder, std::string_view name) {
    return folder.empty() ? std::string() : fmt::format("{}/{}", folder, name);
}

Address loopback_like(const Address& place) {
    Address address = *parse_ip(place.is_v4() ? "127.0.0.1" : "::1");
    if (place.is_any()) address = *parse_ip("127.0.0.1");
    address.port = place.port;
    return address;
}

}  // namespace

struct Admin::Impl {
    Impl(AdminOptions given, Program& running, Log& to)
        : options(std::move(given)),
          log(to),
          folder(usable_folder(options.state_folder, to)),
          access(UserFile(options.users_file.empty() ? in_folder(folder, "users.yaml")
                                                     : options.users_file)),
          config(options.config_path, folder, running),
          events(in_folder(folder, "events.log")),
          audit(in_folder(folder, "audit.log")),
          history(in_folder(folder, "series")),
          alerts(options.alerts, options.node_name, to),
          api{running, access, config, events, audit, feed, log, &system_clock::now,
              history, alerts},
          server(
              io.get_executor(), [this](const Request& request) { return answer(api, request); },
              [this](const Request& head) { return body_bytes_allowed(api, head); }, feed) {}

    std::expected<void, std::string> start();
    std::expected<void, std::string> open_places();
    void use_users();
    void run();
    void tick_later();
    void tick();
    void take(const Event& event);

    AdminOptions options;
    Log& log;
    const std::string folder;
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    asio::steady_timer timer{io};
    Feed feed;
    Access access;
    ConfigStore config;
    Journal events, audit;
    History history;
    Recorder recorder{history};
    Alerts alerts;
    Api api;
    HttpServer server;
    bool open_to_all = false;  // there are users: the places are those of the options
    std::string link, first_url;
    std::vector<Address> first_places;
    std::int64_t certificates_seen_s = 0;
    std::atomic<unsigned> events_waiting{0};
    std::atomic<bool> stopping{false};
    std::thread thread;
};

std::expected<void, std::string> Admin::Impl::start() {
    if (options.https) {
        auto identity = folder.empty() ? make_self_signed(options.node_name, system_clock::now())
                                       : load_or_make_identity(folder, options.node_name);
        if (!identity) return std::unexpected(identity.error());
        if (auto used = server.use_identity(*identity); !used) return used;
        log.info(fmt::format("administration: certificate {}", fingerprint(identity->chain_pem)));
    }
    if (const auto wrong = access.refresh())
        log.error(fmt::format("administration: nobody can sign in: {}", *wrong));
    open_to_all = access.has_users();
    if (auto opened = open_places(); !opened) return opened;
    first_places = server.places();
    if (!access.has_users()) link = access.make_link();
    const SignalsBlocked blocked;
    thread = std::thread([this] { run(); });
    return {};
}

// Until there is a user nobody but the node itself is listened to.
std::expected<void, std::string> Admin::Impl::open_places() {
    server.close_listeners();
    api.https_port = 0;
    std::string url;
    for (const auto& [place, tls] : {std::pair{options.http, false}, {options.https, true}}) {
        if (!place) continue;
        const Address where = open_to_all ? *place : loopback_like(*place);
        const auto opened = server.listen(where, tls);
        if (!opened && options.places_required) return opened;
        if (!opened) {
            log.warn(opened.error());
            continue;
        }
        const Address listening = server.places().back();
        if (tls) api.https_port = listening.port;
        // People take the way without a warning of the browser, where there is one.
        if (url.empty() || (tls && !where.is_loopback()))
            url =
                fmt::format("{}://{}", tls ? "https" : "http", to_string(loopback_like(listening)));
    }
    if (!thread.joinable()) first_url = url;
    return {};
}

void Admin::Impl::run() {
    ::pthread_setname_np(::pthread_self(), "poise-admin");
    tick_later();
    while (!stopping)
        io.run_one();
    timer.cancel();
    server.stop();
    work.reset();
    const auto limit = std::chrono::steady_clock::now() + end_limit;
    while (server.running() > 0 && std::chrono::steady_clock::now() < limit)
        io.run_one_for(std::chrono::milliseconds(100));
}

void Admin::Impl::tick_later() {
    timer.expires_after(tick_interval);
    timer.async_wait([this](const boost::system::error_code& error) {
        if (error || stopping) return;
        tick();
        tick_later();
    });
}

void Admin::Impl::use_users() {
    if (const auto wrong = access.refresh())
        log.error(fmt::format("administration: the users stay as they were: {}", *wrong));
    if (open_to_all == access.has_users()) return;
    open_to_all = access.has_users();
    if (const auto opened = open_places(); !opened) log.error(opened.error());
}

void Admin::Impl::tick() {
    use_users();
    const std::string status = api.program.status_json();
    if (status.empty()) return;  // stopping
    feed.publish("status", status);
    const StatusDocument document(status);
    for (const std::string& text : recorder.take(document, now_s()))
        take({.kind = "config", .text = text});
    alerts.take_status(document, now_s());
    if (feed.any()) feed.publish("alerts", alerts.to_json());
    if (now_s() - certificates_seen_s < certificates_every_s) return;
    certificates_seen_s = now_s();
    alerts.take_certificates(certificates(api), now_s());
}

void Admin::Impl::take(const Event& event) {
    feed.publish("event", events.add(now_s(), {{"kind", event.kind},
                                               {"service", event.service},
                                               {"server", event.server},
                                               {"bad", event.bad ? "yes" : ""},
                                               {"text", event.text}}));
}

Admin::Admin(AdminOptions options, Program& program, Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), program, log)) {}

Admin::~Admin() {
    stop();
}

std::expected<void, std::string> Admin::start() {
    assert(!impl_->thread.joinable());
    return impl_->start();
}

void Admin::stop() {
    if (impl_->stopping.exchange(true) || !impl_->thread.joinable()) return;
    asio::post(impl_->io, [] {});  // wakes it
    impl_->thread.join();
}

void Admin::tell(Event event) {
    if (impl_->events_waiting.fetch_add(1) >= events_waiting_max) {
        impl_->events_waiting.fetch_sub(1);
        return;
    }
    asio::post(impl_->io, [impl = impl_.get(), event = std::move(event)] {
        impl->events_waiting.fetch_sub(1);
        impl->take(event);
    });
}

void Admin::tell_reload(std::string error) {
    asio::post(impl_->io, [impl = impl_.get(), error = std::move(error)] {
        impl->alerts.take_reload(error, now_s());
        impl->certificates_seen_s = 0;  // there may be others now
        impl->api.certificates_read = {};
    });
}

std::string Admin::url() const {
    return impl_->first_url;
}

std::string Admin::first_url() const {
    const std::string place = url();
    return place.empty() || impl_->link.empty() ? place : place + "/#link=" + impl_->link;
}

std::vector<Address> Admin::places() const {
    return impl_->first_places;
}

}  // namespace poise::admin
