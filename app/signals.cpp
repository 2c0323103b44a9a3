#include "app/signals.hpp"

#include <boost/asio/signal_set.hpp>

#include <signal.h>
#include <utility>

namespace poise::app {

namespace asio = boost::asio;

struct Signals::Impl {
    Impl(const asio::any_io_executor& executor, std::function<void(Order)> call)
        : set(executor, SIGHUP, SIGTERM, SIGINT), on_order(std::move(call)) {
        set.add(SIGUSR1);
    }

    asio::signal_set set;
    std::function<void(Order)> on_order;
    bool ended = false;
};

namespace {

Order order_of(int number) {
    switch (number) {
        case SIGHUP:
            return Order::reload;
        case SIGTERM:
            return Order::drain;
        case SIGUSR1:
            return Order::reopen_logs;
        default:
            return Order::stop;
    }
}

// The handler holds what it needs, for an order may end the Signals that it came from.
template <typename Impl>
void wait_for_next(std::shared_ptr<Impl> impl) {
    asio::signal_set& set = impl->set;
    set.async_wait([impl = std::move(impl)](const boost::system::error_code& error, int number) {
        if (error || impl->ended) return;
        impl->on_order(order_of(number));
        if (!impl->ended) wait_for_next(impl);
    });
}

}  // namespace

Signals::Signals(asio::any_io_executor executor, std::function<void(Order)> on_order)
    : impl_(std::make_shared<Impl>(executor, std::move(on_order))) {
    ::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for a valid number
    wait_for_next(impl_);
}

Signals::~Signals() {
    impl_->ended = true;
    impl_->set.cancel();
}

}  // namespace poise::app
