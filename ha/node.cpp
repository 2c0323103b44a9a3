#include "ha/node.hpp"

#include "base/hash.hpp"
#include "ha/node_loop.hpp"

#include <algorithm>
#include <utility>

namespace poise::ha {

namespace {

constexpr const char* stopped_text = "this node has stopped";

}  // namespace

std::uint64_t addresses_hash(const std::vector<config::FloatingAddress>& addresses) {
    // The interface may have another name there.
    std::vector<std::string> texts;
    for (const auto& address : addresses)
        texts.push_back(ip_to_string(address.address) + "/" +
                        std::to_string(address.prefix_length));
    std::ranges::sort(texts);
    std::uint64_t hash = 0;
    for (const std::string& text : texts)
        hash = hash64(text, hash + 1);
    return hash;
}

std::expected<std::unique_ptr<Node>, std::string> Node::start(NodeSettings settings,
                                                              NodeEvents events) {
    auto loop = std::make_unique<Loop>(std::move(settings), std::move(events));
    if (auto opened = loop->open(); !opened) return std::unexpected(opened.error());
    loop->run_thread();
    return std::unique_ptr<Node>(new Node(std::move(loop)));
}

Node::Node(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

Node::~Node() = default;

PairStatus Node::status() const {
    return loop_->published();
}

std::string Node::takeover(bool force) {
    std::string error = stopped_text;
    loop_->post([&] { error = loop_->member().order_takeover(Clock::now(), loop_->self(), force); },
                true);
    return error;
}

std::string Node::standby() {
    std::string error = stopped_text;
    loop_->post([&] { error = loop_->member().order_standby(Clock::now(), loop_->self()); }, true);
    return error;
}

void Node::stop(std::chrono::milliseconds limit) {
    const auto until = Clock::now() + limit;
    loop_->post([this] { loop_->member().stop(Clock::now(), loop_->self()); }, true);
    bool holds = true;
    while (holds && Clock::now() < until) {
        loop_->post([&] { holds = loop_->member().ownership().holds(); }, true);
        if (holds) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    loop_->end();
}

void Node::set_addresses(std::vector<config::FloatingAddress> addresses) {
    loop_->post([this, addresses = std::move(addresses)] { loop_->change_addresses(addresses); },
                false);
}

void Node::set_neighbours(std::vector<Address> neighbours) {
    loop_->post(
        [this, neighbours = std::move(neighbours)] { loop_->change_neighbours(neighbours); },
        false);
}

void Node::set_keys(ClusterKeys keys) {
    loop_->post([this, keys = std::move(keys)] { loop_->sealing().set_keys(keys); }, false);
}

void Node::set_config(ConfigMark mark, bool verified) {
    loop_->post(
        [this, mark, verified] {
            loop_->facts().config = mark;
            loop_->set_verified(verified);
        },
        false);
}

ConfigMark Node::peer_config() const {
    ConfigMark mark;
    loop_->post([&] { mark = loop_->member().peer().beat.config; }, true);
    return mark;
}

}  // namespace poise::ha
