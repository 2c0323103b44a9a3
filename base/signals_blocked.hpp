// Keeps signals away from threads that are started meanwhile.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace poise {

/// While it lives, all signals are blocked in the thread that made it. A thread started meanwhile
/// inherits that for good: signals are for the control thread.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

}  // namespace poise
