// Where a session sleeps: until one of the streams it asked for is ready, or its time is up.
#pragma once

#include "base/deadline_wheel.hpp"
#include "base/task.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace poise {

class Engine;
struct ReadyTag;
struct AllTag;

enum class Wake : std::uint8_t {
    ready,      // something asked for has happened, or may have: look again
    timed_out,  // the deadline has passed
    cancelled,  // the engine stops, or somebody ended this session
};

/// One a session (one a coroutine that waits). Belongs to one worker thread. Its deadline holds
/// over as many sleeps as one likes: moving it is a store. After time-out or cancellation every
/// further sleep returns the same at once until `expires_after` or, for ever, after cancel.
///
/// Use: `stream.want(waiter, Direction::read); const Wake why = co_await waiter.sleep();`
class Waiter final : private DeadlineWheel::Entry,
                     public boost::intrusive::list_base_hook<
                         boost::intrusive::tag<ReadyTag>,
                         boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
                     public boost::intrusive::list_base_hook<
                         boost::intrusive::tag<AllTag>,
                         boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    /// A `limit` from now must be set before the first sleep. `engine` outlives the waiter.
    explicit Waiter(Engine& engine);
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Engine& engine() const { return engine_; }

    /// Moves the deadline: `limit` (> 0) from now. Clears an earlier time-out.
    void expires_after(std::chrono::milliseconds limit);

    /// Resumes the sleeper in this or the next turn of the loop; remembered when nobody sleeps.
    void wake(Wake why = Wake::ready);
    /// Resumes the sleeper at once, inside of the caller: for who hands it work. Needs a sleeper.
    void resume_now();
    /// Ends the session: this and every later sleep return `cancelled`.
    void cancel() { wake(Wake::cancelled); }
    bool cancelled() const { return cancelled_; }

    /// `co_await waiter.sleep()` gives a Wake. No allocation: the handler is kept inside.
    auto sleep() {
        return boost::asio::async_initiate<const boost::asio::deferred_t&, void(Wake)>(
            Initiate{}, boost::asio::deferred, this);
    }

    /// The same without a coroutine: `handler(Wake)` is called once, by the engine's loop, which
    /// does not end before. The handler may destroy the waiter.
    template <typename Handler>
    void sleep_then(Handler handler) {
        keep(std::move(handler));
    }

    /// Lets others run: sleeps until the next turn of the loop.
    auto yield() {
        wake(Wake::ready);
        return sleep();
    }

private:
    friend class Engine;
    static constexpr std::size_t handler_bytes_max = 16;  // a coroutine's, of Asio 1.81

    struct Initiate {
        template <typename Handler>
        void operator()(Handler&& handler, Waiter* waiter) const {
            waiter->keep(std::forward<Handler>(handler));
        }
    };

    // Stores the handler in place, with the two operations that are needed of it.
    template <typename Handler>
    void keep(Handler&& handler) {
        using Kept = std::decay_t<Handler>;
        static_assert(sizeof(Kept) <= handler_bytes_max);
        static_assert(alignof(Kept) <= alignof(void*));
        new (static_cast<void*>(handler_)) Kept(std::forward<Handler>(handler));
        use_ = [](void* place, const Wake* why) {
            Kept taken(std::move(*static_cast<Kept*>(place)));
            static_cast<Kept*>(place)->~Kept();
            if (why != nullptr) std::move(taken)(*why);
        };
        fell_asleep();
    }
    void fell_asleep();
    void resume();  // called by the engine's loop alone
    void on_expiry() override { wake(Wake::timed_out); }

    Engine& engine_;
    void (*use_)(void* place, const Wake* why) = nullptr;  // null: nobody sleeps
    alignas(void*) std::byte handler_[handler_bytes_max];
    bool pending_ = false;
    bool timed_out_ = false;
    bool cancelled_ = false;
};

}  // namespace poise
