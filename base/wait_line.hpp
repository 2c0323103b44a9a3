// Sessions of one worker that wait in turn for something that becomes free.
#pragma once

#include "base/waiter.hpp"

#include <boost/intrusive/list.hpp>

#include <cstddef>

namespace poise {

/// First come, first served. Who makes something free calls the next in line, once for each piece;
/// the called one wakes, takes it and leaves, or finds it taken and waits on where it stood.
/// Touched on one thread only.
class WaitLine {
public:
    class Place;

    WaitLine() = default;
    ~WaitLine();  // nobody waits
    WaitLine(const WaitLine&) = delete;
    WaitLine& operator=(const WaitLine&) = delete;

    /// Wakes the oldest that was not called yet and for whom `freed` is good: who waits for that
    /// or for anything. Null is good for all. False: there is none.
    bool call_next(const void* freed = nullptr);

    /// Wakes all, oldest first: much may have changed.
    void call_all();

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    std::size_t open() const { return open_; }  // those who wait for anything

private:
    using Hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
    using Places = boost::intrusive::list<Place, boost::intrusive::base_hook<Hook>,
                                          boost::intrusive::constant_time_size<false>>;
    bool call_from(Places::iterator place, const void* freed);

    Places places_;
    std::size_t size_ = 0;
    std::size_t open_ = 0;
};

/// A place in the line, given up whatever way the wait ends. Lives on the waiting coroutine's
/// frame. Who leaves called without having taken anything passes the call on: line.call_next().
class WaitLine::Place : public Hook {
public:
    /// Stands at the end and waits for `wanted`, or for anything when that is null. `line` and
    /// `waiter` outlive this.
    Place(WaitLine& line, Waiter& waiter, const void* wanted = nullptr);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool called() const { return called_; }
    /// What was free has been taken by another: waits for the next call.
    void wait_on() { called_ = false; }
    /// What is free is not for this one: calls the next behind it, then waits on.
    void pass_on();

private:
    friend class WaitLine;
    WaitLine& line_;
    Waiter& waiter_;
    const void* wanted_;
    bool called_ = false;
};

}  // namespace poise
