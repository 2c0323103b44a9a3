// What ended requests of HTTP/2 leave to the next ones of their worker.
#pragma once

#include "base/small_blocks.hpp"
#include "proxy/field_block.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace poise::proxy {

/// One a worker, outlives its connections and streams.
class Http2Memory {
public:
    SmallBlocks blocks;  // nghttp2's and those of streams

    /// An empty one.
    FieldBlock take_head() {
        if (heads_.empty()) return {};
        FieldBlock head = std::move(heads_.back());
        heads_.pop_back();
        return head;
    }
    void give_back(FieldBlock&& head) {
        if (heads_.size() == heads_max || !head.is_worth_keeping()) return;
        head.clear();
        heads_.push_back(std::move(head));
        heads_used_ = true;
    }

    /// Call it now and then: frees what was not used since.
    void sweep() {
        blocks.sweep();
        if (!std::exchange(heads_used_, false)) heads_.clear();
    }

private:
    static constexpr std::size_t heads_max = 256;
    std::vector<FieldBlock> heads_;
    bool heads_used_ = false;
};

}  // namespace poise::proxy
