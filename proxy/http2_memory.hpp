// What ended requests of HTTP/2 leave to the next ones of their worker.
#pragma once

#include "base/small_blocks.hpp"
#include "base/spares.hpp"
#include "proxy/field_block.hpp"

#include <cstddef>

namespace poise::proxy {

/// One a worker, outlives its connections and streams.
class Http2Memory {
public:
    SmallBlocks blocks;  // nghttp2's and those of streams

    /// An empty one.
    FieldBlock take_head() {
        if (heads_.empty()) return {};
        return heads_.take();
    }
    void give_back(FieldBlock&& head) {
        if (heads_.size() == heads_max || !head.is_worth_keeping()) return;
        head.clear();
        heads_.put(std::move(head));
    }

    /// Call it now and then: frees what has not been needed for a while.
    void sweep() {
        blocks.sweep();
        heads_.sweep();
    }

private:
    static constexpr std::size_t heads_max = 256;
    Spares<FieldBlock> heads_;
};

}  // namespace poise::proxy
