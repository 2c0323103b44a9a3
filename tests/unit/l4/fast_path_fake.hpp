// A fast path without a kernel: the memory and the index, and what a test lets pass there.
#pragma once

#include "l4/fast_path.hpp"

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace poise::l4::test {

class FakeFastPath final : public FastPath {
public:
    explicit FakeFastPath(std::uint32_t flows = 8)
        : places_(flows), memory_(std::size_t{flows} * 2) {}

    FastPlaces& places() override { return places_; }
    std::span<poise_fast_way> ways() override { return memory_; }
    poise_fast_state& state() override { return state_; }
    bool put(const poise_fast_key& key, std::uint32_t way) override {
        if (puts_left == 0) return false;
        --puts_left;
        index_[text(key)] = way;
        return true;
    }
    void remove(const poise_fast_key& key) override { index_.erase(text(key)); }

    std::size_t size() const { return index_.size(); }
    /// What the program would find for it; null: it leaves the packet to the tap.
    poise_fast_way* find(const poise_fast_key& key) {
        const auto found = index_.find(text(key));
        if (found == index_.end()) return nullptr;
        poise_fast_way& way = memory_[found->second];
        return way.generation == state_.generation ? &way : nullptr;
    }
    /// Every way that it would find.
    std::vector<poise_fast_way*> valid() {
        std::vector<poise_fast_way*> found;
        for (const auto& [key, number] : index_)
            if (memory_[number].generation == state_.generation) found.push_back(&memory_[number]);
        return found;
    }
    poise_fast_way* to_server() { return towards(POISE_FAST_TO_SERVER); }
    poise_fast_way* to_client() { return towards(0); }

    std::size_t puts_left = 1'000'000;

private:
    static std::string text(const poise_fast_key& key) {
        return {reinterpret_cast<const char*>(&key), sizeof key};
    }
    poise_fast_way* towards(std::uint32_t flag) {
        for (poise_fast_way* way : valid())
            if ((way->flags & POISE_FAST_TO_SERVER) == flag) return way;
        return nullptr;
    }

    FastPlaces places_;
    std::vector<poise_fast_way> memory_;
    poise_fast_state state_{};
    std::map<std::string, std::uint32_t> index_;
};

}  // namespace poise::l4::test
