// Sessions of one worker that wait in turn for something that becomes free.
#pragma once

#include "base/waiter.hpp"

#include <boost/intrusive/list.hpp>

#include <cstddef>

namespace poise {

/// First come, first served. Who makes something free calls the next in line, once for each piece;
/// the called one wakes, takes it and leaves, or finds it taken and waits on as the first. Touched
/// on one thread only.
class WaitLine {
public:
    class Place;

    WaitLine() = default;
    ~WaitLine();  // nobody waits
    WaitLine(const WaitLine&) = delete;
    WaitLine& operator=(const WaitLine&) = delete;

    /// Wakes the oldest that was not called yet. False: there is none.
    bool call_next();

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }  // called ones included
    std::size_t called() const { return called_; }

private:
    using Hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
    using Places = boost::intrusive::list<Place, boost::intrusive::base_hook<Hook>,
                                          boost::intrusive::constant_time_size<false>>;
    Places waiting_;
    std::size_t size_ = 0;
    std::size_t called_ = 0;
};

/// A place in the line, given up whatever way the wait ends. Lives on the waiting coroutine's
/// frame. Who leaves called without having taken anything passes the call on: line.call_next().
class WaitLine::Place : public Hook {
public:
    /// Stands at the end. `line` and `waiter` outlive this.
    Place(WaitLine& line, Waiter& waiter);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool called() const { return !is_linked(); }
    bool is_first() const { return called() || &line_.waiting_.front() == this; }
    /// What was free has been taken by another: stands first again, not called.
    void wait_on();

private:
    friend class WaitLine;
    WaitLine& line_;
    Waiter& waiter_;
};

}  // namespace poise
