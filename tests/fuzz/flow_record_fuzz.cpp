// Bytes as a peer's flows: what is read can be written, and is read again as the same.
#include "l4/flow_record.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace poise::l4;
    std::span<const std::uint8_t> bytes(data, size);
    while (!bytes.empty()) {
        const auto piece = read_piece(bytes);
        if (!piece) break;
        std::vector<std::uint8_t> written;
        write_piece(*piece, written);
        std::span<const std::uint8_t> again(written);
        const auto back = read_piece(again);
        assert(back && *back == *piece && again.empty());
    }
    return 0;
}
