#include "l4/flow_table.hpp"

#include "l4/huge_pages.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace poise::l4 {

namespace {

std::size_t mapped_bytes(std::size_t flows) {
    return flows * sizeof(Flow) + huge_page_bytes;
}

}  // namespace

FlowTable::FlowTable(std::size_t flows_max, HashKey secret, OnEnd on_end)
    : flows_max_(flows_max), secret_(secret), on_end_(std::move(on_end)) {
    assert(flows_max >= 1 && flows_max <= std::size_t{1} << 31);
    mapped_ = ::mmap(nullptr, mapped_bytes(flows_max), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    void* aligned = mapped_;
    std::size_t room = mapped_bytes(flows_max);
    aligned = std::align(huge_page_bytes, flows_max * sizeof(Flow), aligned, room);
    want_huge_pages(aligned, flows_max * sizeof(Flow));
    flows_ = static_cast<Flow*>(aligned);
}

FlowTable::~FlowTable() {
    ::munmap(mapped_, mapped_bytes(flows_max_));
}

// Keyed at each step, so that no difference of addresses cancels out whatever the secret is.
std::uint32_t FlowTable::hash_of(const ClientKey& key) const {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, key.client.data(), sizeof high);
    std::memcpy(&low, key.client.data() + sizeof high, sizeof low);
    std::uint64_t hash = mix64(low ^ secret_.first);
    hash = mix64((hash + high) ^ secret_.second);
    hash = mix64(hash + (std::uint64_t{key.client_port} << 8 | key.protocol));
    return static_cast<std::uint32_t>(hash >> 32);
}

std::uint32_t FlowTable::ticks_of(std::chrono::milliseconds life) const {
    return now_ + static_cast<std::uint32_t>(std::max<std::int64_t>(1, (life + tick) / tick));
}

std::uint16_t FlowTable::queue_of(FlowState state, std::uint32_t expires) const {
    if (state == FlowState::opening) return queue_opening;
    if (state == FlowState::single) return queue_single;
    return static_cast<std::uint16_t>(expires % wheel_slots);
}

void FlowTable::append(std::uint16_t queue, Flow& flow) {
    Queue& to = queues_[queue];
    const std::uint32_t number = number_of(flow);
    flow.queue = queue;
    flow.next = no_flow;
    flow.previous = to.last;
    (to.last == no_flow ? to.first : flows_[to.last].next) = number;
    to.last = number;
    if (queue >= wheel_slots) ++half_open_;
}

void FlowTable::unlink(Flow& flow) {
    Queue& from = queues_[flow.queue];
    (flow.previous == no_flow ? from.first : flows_[flow.previous].next) = flow.next;
    (flow.next == no_flow ? from.last : flows_[flow.next].previous) = flow.previous;
    if (flow.queue >= wheel_slots) --half_open_;
}

std::uint32_t FlowTable::take_free() {
    if (free_ != no_flow) return std::exchange(free_, flows_[free_].next);
    if (high_water_ < flows_max_) return static_cast<std::uint32_t>(high_water_++);
    return no_flow;
}

bool FlowTable::evict() {
    std::uint32_t oldest = queues_[queue_opening].first;
    if (oldest == no_flow) oldest = queues_[queue_single].first;
    if (oldest == no_flow) return false;
    ++evictions_;
    end(flows_[oldest]);
    return true;
}

Flow* FlowTable::insert(const ClientKey& key, FlowState state, std::chrono::milliseconds life) {
    std::uint32_t number = take_free();
    if (number == no_flow) {
        if (!evict()) return nullptr;
        number = take_free();
    }
    const std::uint32_t hash = hash_of(key);
    Flow& flow = flows_[number];
    flow = Flow{};
    if (!index_.insert(hash, number)) {
        flow.next = std::exchange(free_, number);
        return nullptr;
    }
    flow.client = key.client;
    flow.client_port = key.client_port;
    flow.protocol = key.protocol;
    flow.hash = hash;
    flow.state = state;
    flow.expires = ticks_of(life);
    flow.used = true;
    append(queue_of(state, flow.expires), flow);
    return &flow;
}

// A packet costs one store: what is overdue is found when its slot of the wheel comes round.
void FlowTable::touch(Flow& flow, FlowState state, std::chrono::milliseconds life) {
    const std::uint32_t expires = ticks_of(life);
    const bool moves = flow.queue >= wheel_slots ? state != flow.state : expires < flow.expires;
    flow.expires = expires;
    if (flow.state != state) flow.told = 0;
    flow.state = state;
    if (!moves) return;
    unlink(flow);
    append(queue_of(state, expires), flow);
}

void FlowTable::erase(Flow& flow) {
    assert(flow.used);
    unlink(flow);
    const std::uint32_t number = number_of(flow);
    index_.erase(flow.hash, number);
    flow.used = false;
    flow.next = std::exchange(free_, number);
}

void FlowTable::end(Flow& flow) {
    on_end_(flow);
    erase(flow);
}

void FlowTable::advance(Clock::time_point now, std::size_t flows_most) {
    if (!std::exchange(started_, true)) began_ = now;
    now_ = std::max(now_, static_cast<std::uint32_t>((now - began_) / tick));
    flows_most -= std::min(flows_most, run_aged(queue_opening, flows_most));
    flows_most -= std::min(flows_most, run_aged(queue_single, flows_most));
    // After a pause of more than a round all slots are run once, and that is all of them.
    if (now_ - done_ > wheel_slots) done_ = now_ - wheel_slots;
    while (done_ < now_ && flows_most > 0) {
        const auto slot = static_cast<std::uint16_t>((done_ + 1) % wheel_slots);
        flows_most -= std::min(flows_most, run_slot(slot, flows_most));
        if (flows_most > 0) ++done_;
    }
}

// Returns how many were looked at; those that live on go to the slots of their time.
std::size_t FlowTable::run_slot(std::uint16_t slot, std::size_t flows_most) {
    std::size_t looked = 0;
    const std::uint32_t last = queues_[slot].last;  // what is appended meanwhile is of a next round
    for (std::uint32_t number = queues_[slot].first; number != no_flow && looked < flows_most;) {
        Flow& flow = flows_[number];
        const std::uint32_t next = number == last ? no_flow : flow.next;
        ++looked;
        if (flow.expires <= now_) {
            end(flow);
        } else {
            unlink(flow);
            append(queue_of(flow.state, flow.expires), flow);
        }
        number = next;
    }
    return looked;
}

std::size_t FlowTable::run_aged(std::uint16_t queue, std::size_t flows_most) {
    std::size_t ended = 0;
    while (ended < flows_most && queues_[queue].first != no_flow) {
        Flow& oldest = flows_[queues_[queue].first];
        if (oldest.expires > now_) break;
        end(oldest);
        ++ended;
    }
    return ended;
}

}  // namespace poise::l4
