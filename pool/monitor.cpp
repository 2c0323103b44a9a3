#include "pool/monitor.hpp"

#include "base/task_group.hpp"
#include "pool/watch.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cassert>
#include <map>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

namespace poise::pool {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// How late a server that real traffic took down is told of, how late a suspect is checked, and
// the step of slow start.
constexpr milliseconds look_interval{200};

}  // namespace

struct Monitor::Impl {
    using Watches = std::vector<std::shared_ptr<Watch>>;

    Impl(asio::any_io_executor on, OnEvent on_event, ResolverOptions names)
        : executor(on),
          shared{std::move(on_event), Resolver(std::move(names))},
          random(std::random_device{}()),
          tasks(on) {}

    static Task<void> run_look(Impl* self);

    // A watch dies only when its coroutines have ended, which takes a turn of the loop. Cancelled
    // inside of the loop: from outside Asio would put the signal off until after the task, and
    // with it what the signal points to, may have gone.
    void dismiss(std::shared_ptr<Watch> watch) {
        asio::dispatch(executor, [watch] { watch->cancel(); });
        dismissed.push_back(std::move(watch));
    }
    void dismiss_all(Watches watches) {
        for (auto& watch : watches)
            dismiss(std::move(watch));
    }
    void bury() {
        std::erase_if(dismissed, [](const auto& watch) { return watch->running() == 0; });
    }

    asio::any_io_executor executor;
    WatchShared shared;
    Random random;
    std::map<std::string, Watches> services;
    Watches dismissed;
    TaskGroup tasks;
    bool stopped = false;
};

Task<void> Monitor::Impl::run_look(Impl* self) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(look_interval);
        co_await timer.async_wait(asio::use_awaitable);
        self->bury();
        const auto now = std::chrono::steady_clock::now();
        for (const auto& [name, watches] : self->services) {
            for (const auto& watch : watches)
                watch->look(now);
        }
    }
}

Monitor::Monitor(asio::any_io_executor executor, OnEvent on_event, ResolverOptions names)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(on_event), std::move(names))) {
    impl_->tasks.spawn(&Impl::run_look, impl_.get());
}

Monitor::~Monitor() = default;

void Monitor::watch(const config::Service& service, std::shared_ptr<const Pool> pool,
                    const std::shared_ptr<tls::ClientContext>& tls) {
    assert(!impl_->stopped);
    const auto plan = std::make_shared<const WatchPlan>(WatchPlan{
        .check = service.health,
        .server_tls = service.server_tls,
        .agent = service.agent,
        .virtual_address = service.listen.empty() ? Address{} : service.listen.front().address});

    auto before = std::exchange(impl_->services[service.name], {});
    std::unordered_map<const RealServer*, std::shared_ptr<Watch>*> known;
    for (auto& watch : before)
        known.emplace(watch->server().get(), &watch);

    Impl::Watches after;
    for (const auto& server : pool->servers()) {
        const auto found = known.find(server.get());
        if (found != known.end() && (*found->second)->plan() == *plan) {
            after.push_back(std::move(*found->second));
            after.back()->set_tls(tls);
            continue;
        }
        after.push_back(std::make_shared<Watch>(impl_->executor, service.name, plan, server,
                                                impl_->shared, impl_->random.next()));
        after.back()->set_tls(tls);
        after.back()->start();
    }
    std::erase(before, nullptr);
    impl_->dismiss_all(std::move(before));
    impl_->services[service.name] = std::move(after);
}

void Monitor::forget(const std::string& service_name) {
    auto found = impl_->services.extract(service_name);
    if (!found.empty()) impl_->dismiss_all(std::move(found.mapped()));
}

void Monitor::stop() {
    if (std::exchange(impl_->stopped, true)) return;
    for (auto& [name, watches] : std::exchange(impl_->services, {}))
        impl_->dismiss_all(std::move(watches));
    // The look-out ends by this alone, so it and its owner are there when this runs.
    asio::dispatch(impl_->executor, [impl = impl_.get()] { impl->tasks.cancel(); });
}

std::size_t Monitor::running() const {
    std::size_t count = impl_->tasks.running();
    for (const auto& [name, watches] : impl_->services) {
        for (const auto& watch : watches)
            count += watch->running();
    }
    for (const auto& watch : impl_->dismissed)
        count += watch->running();
    return count;
}

Task<bool> Monitor::wait(milliseconds limit) {
    constexpr milliseconds step{5};
    const auto until = std::chrono::steady_clock::now() + limit;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (running() > 0 && std::chrono::steady_clock::now() < until) {
        timer.expires_after(step);
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_return running() == 0;
}

}  // namespace poise::pool
