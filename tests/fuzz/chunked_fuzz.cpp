// Fuzzes the chunked reader: however a body is cut, it gives the same; and what it accepts,
// written out again, reads the same.
#include "proxy/chunked.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace poise::proxy;

namespace {

/// Ends the run, so that the fuzzer keeps the input.
void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    std::string payload;
    std::string trailers;
    std::size_t consumed = 0;
    bool ended = false;
    Reason reason = Reason::none;
    std::size_t offset = 0;

    bool operator==(const Outcome&) const = default;
};

constexpr std::size_t sizes_n = 4;
using Sizes = std::array<std::size_t, sizes_n>;

/// Feeds `body` in pieces of `sizes` in turn; what is not consumed is offered again.
Outcome read(std::string_view body, const Sizes& sizes) {
    ChunkedReader reader;
    Outcome outcome;
    std::size_t arrived = 0;
    for (std::size_t piece = 0; arrived < body.size(); ++piece) {
        arrived += std::min(sizes[piece % sizes_n], body.size() - arrived);
        while (!outcome.ended && outcome.reason == Reason::none) {
            const std::string input(body.substr(outcome.consumed, arrived - outcome.consumed));
            const auto step = reader.next(input);
            require(step.consumed <= input.size() && step.payload.size() <= step.consumed);
            outcome.payload += step.payload;
            outcome.consumed += step.consumed;
            outcome.ended = step.ended;
            if (step.refusal) {
                outcome.reason = step.refusal->reason;
                outcome.offset = step.refusal->offset;
            }
            if (step.consumed == 0) break;
        }
    }
    if (outcome.ended) outcome.trailers = reader.trailers();
    return outcome;
}

std::string written(const Outcome& outcome) {
    std::string body;
    if (!outcome.payload.empty()) {
        std::array<char, 20> size;
        std::snprintf(size.data(), size.size(), "%zx\r\n", outcome.payload.size());
        body.append(size.data()).append(outcome.payload).append("\r\n");
    }
    return body + "0\r\n" + outcome.trailers + "\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < sizes_n) return 0;
    Sizes sizes;
    for (std::size_t i = 0; i < sizes_n; ++i)
        sizes[i] = 1 + data[i] % 64;
    const std::string_view body(reinterpret_cast<const char*>(data) + sizes_n, size - sizes_n);
    const Sizes whole = {body.size() + 1, 1, 1, 1};

    const auto outcome = read(body, whole);
    require(outcome == read(body, sizes));
    require(outcome == read(body, {1, 1, 1, 1}));
    require(outcome.offset <= body.size() && outcome.consumed <= body.size());

    if (outcome.ended) {
        const auto again = written(outcome);
        const auto second = read(again, {again.size(), 1, 1, 1});
        require(second.ended && second.consumed == again.size());
        require(second.payload == outcome.payload && second.trailers == outcome.trailers);
    }
    return 0;
}
