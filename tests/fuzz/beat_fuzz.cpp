// Any bytes as a datagram of the pair, raw and as the content of a sealed one: nothing crashes,
// nothing unsealed is taken, and what is read is written the same.
#include "ha/beat.hpp"
#include "ha/member.hpp"
#include "ha/sealing.hpp"

#include <cstdlib>
#include <span>

using namespace poise::ha;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::span<const std::uint8_t> bytes{data, size};
    if (const auto beat = beat_from_bytes(bytes)) require(beat_from_bytes(to_bytes(*beat)) == beat);

    const ClusterKey key{1, 2, 3};
    Sealing sealing({key}, BootNonce{4, 5, 6});
    require(!sealing.open(0, bytes, Time{std::chrono::hours(1)}));
    require(!sealing.has_session());

    if (size <= datagram_bytes_max - seal_overhead) {
        Sealing other({key}, BootNonce{7, 8, 9});
        other.next_counter();
        const auto opened = sealing.open(0, other.seal(Kind::hello, 0, bytes), Time{});
        require(opened && std::equal(bytes.begin(), bytes.end(), opened->content.begin()));
    }

    MemberSettings settings;
    Member member(settings);
    const Opened beat{Kind::beat, 1, true, {bytes.begin(), bytes.end()}};
    member.take(0, beat, Time{});
    member.tick(Time{} + std::chrono::seconds(1), SelfView{});
    return 0;
}
