#include "pool/resolver.hpp"

#include "base/signals_blocked.hpp"
#include "base/socket_address.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>
#include <utility>

namespace poise::pool {

namespace asio = boost::asio;

namespace {

// One asker's. What is not const belongs to the asker's thread.
struct Question {
    const std::string host;
    const asio::any_io_executor executor;
    asio::steady_timer* timer;  // null when the asker has gone
    bool answered = false;
    Resolved answer;
};

using Questions = std::vector<std::shared_ptr<Question>>;

template <typename Names>
bool contains(const Names& names, const std::string& host) {
    return std::ranges::find(names, host) != names.end();
}

bool is_asked(const Questions& questions, const std::string& host) {
    return std::ranges::any_of(questions, [&](const auto& asked) { return asked->host == host; });
}

}  // namespace

struct Resolver::Shared : std::enable_shared_from_this<Resolver::Shared> {
    explicit Shared(ResolverOptions given) : options(std::move(given)) {}

    void add(std::shared_ptr<Question> question);
    void remove(const Question* question);
    void answer(const std::string& host, const Resolved& found);
    void start_thread();

    const ResolverOptions options;
    std::mutex mutex;  // guards what follows; never held during a look-up
    Questions questions;
    std::deque<std::string> waiting;   // for a thread
    std::vector<std::string> running;  // with a thread
    unsigned threads = 0;
};

void Resolver::Shared::add(std::shared_ptr<Question> question) {
    const std::lock_guard lock(mutex);
    const std::string& host = question->host;
    questions.push_back(question);
    if (contains(running, host) || contains(waiting, host)) return;
    waiting.push_back(host);
    if (threads < options.threads_max) start_thread();
}

void Resolver::Shared::remove(const Question* question) {
    const std::lock_guard lock(mutex);
    std::erase_if(questions, [&](const auto& asked) { return asked.get() == question; });
    if (!is_asked(questions, question->host)) std::erase(waiting, question->host);
}

// Under the mutex: who stands in the list has not gone, and neither has its executor.
void Resolver::Shared::answer(const std::string& host, const Resolved& found) {
    std::erase_if(questions, [&](const auto& asked) {
        if (asked->host != host) return false;
        asio::post(asked->executor, [asked, found] {
            if (asked->timer == nullptr) return;
            asked->answer = found;
            asked->answered = true;
            asked->timer->cancel();
        });
        return true;
    });
}

void Resolver::Shared::start_thread() {
    const SignalsBlocked blocked;
    ++threads;
    try {
        std::thread(&Resolver::run, shared_from_this()).detach();
    } catch (const std::system_error&) {
        --threads;  // none to be had now: another one takes the name, or the asker's limit passes
    }
}

Resolved system_look_up(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_flags = AI_ADDRCONFIG;
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    Resolved resolved;
    const int error = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
    if (error != 0) {
        resolved.wrong = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
        return resolved;
    }
    for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
        sockaddr_storage storage{};
        if (each->ai_addrlen > sizeof storage) continue;
        std::memcpy(&storage, each->ai_addr, each->ai_addrlen);
        resolved.found.push_back(to_address(storage));
    }
    ::freeaddrinfo(list);
    if (resolved.found.empty()) resolved.wrong = "no address";
    return resolved;
}

Resolver::Resolver(ResolverOptions options)
    : shared_(std::make_shared<Shared>(std::move(options))) {}

Resolver::~Resolver() {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiting.clear();
}

unsigned Resolver::threads() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->threads;
}

void Resolver::run(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    while (!shared->waiting.empty()) {
        const std::string host = std::move(shared->waiting.front());
        shared->waiting.pop_front();
        shared->running.push_back(host);
        lock.unlock();
        const Resolved found = shared->options.look_up(host);
        lock.lock();
        std::erase(shared->running, host);
        shared->answer(host, found);
    }
    --shared->threads;
}

Task<Resolved> Resolver::resolve(std::string host, std::uint16_t port) const {
    return ask(shared_, std::move(host), port);
}

Task<Resolved> Resolver::ask(std::shared_ptr<Shared> shared, std::string host, std::uint16_t port) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, shared->options.limit);
    // Listed for as long as this frame lives, however it ends.
    struct Asking {
        Asking(std::shared_ptr<Shared> with, std::shared_ptr<Question> asked)
            : shared(std::move(with)), question(std::move(asked)) {
            shared->add(question);
        }
        Asking(const Asking&) = delete;
        Asking& operator=(const Asking&) = delete;
        ~Asking() {
            shared->remove(question.get());
            question->timer = nullptr;
        }
        std::shared_ptr<Shared> shared;
        std::shared_ptr<Question> question;
    };
    const Asking asking(shared,
                        std::make_shared<Question>(Question{std::move(host), executor, &timer}));
    const auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    Question& question = *asking.question;
    if (!question.answered) {
        if (ec == asio::error::operation_aborted) throw boost::system::system_error(ec);
        question.answer.wrong =
            fmt::format("no answer within {:g} s",
                        std::chrono::duration<double>(shared->options.limit).count());
    }
    for (Address& address : question.answer.found)
        address.port = port;
    co_return std::move(question.answer);
}

}  // namespace poise::pool
