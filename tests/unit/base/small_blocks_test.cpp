#include "base/small_blocks.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <vector>

using namespace poise;

TEST_SUITE("base/small_blocks") {
    TEST_CASE("a block that came back is given again for as much or less") {
        SmallBlocks blocks(4096);
        void* first = blocks.take(200);
        blocks.give_back(first);

        void* larger = blocks.take(600);
        void* again = blocks.take(200);

        CHECK(larger != first);
        CHECK(again == first);
        blocks.give_back(larger);
        blocks.give_back(again);
    }

    TEST_CASE("every size is as large as was asked for") {
        SmallBlocks blocks(1 << 20);
        for (int round = 0; round < 2; ++round) {
            std::vector<void*> taken;
            for (std::size_t bytes = 0; bytes < 2 * SmallBlocks::block_max; bytes += 7) {
                void* block = blocks.take(bytes);
                REQUIRE(block != nullptr);
                std::memset(block, 0xa5, bytes);
                taken.push_back(block);
            }
            for (void* block : taken)
                blocks.give_back(block);
        }
        CHECK(blocks.kept() > 0);
    }

    TEST_CASE("no more is kept than the limit, and nothing large") {
        SmallBlocks blocks(1000);
        std::vector<void*> taken;
        for (int i = 0; i < 20; ++i)
            taken.push_back(blocks.take(100));
        taken.push_back(blocks.take(SmallBlocks::block_max * 2));

        for (void* block : taken)
            blocks.give_back(block);

        CHECK(blocks.kept() > 800);
        CHECK(blocks.kept() <= 1000);
    }

    TEST_CASE("memory of the C library may be given, and nothing at all") {
        SmallBlocks blocks(1000);

        blocks.give_back(std::malloc(64));
        blocks.give_back(nullptr);

        CHECK(blocks.kept() > 0);
    }

    TEST_CASE("what nobody asks for between two sweeps is freed") {
        SmallBlocks blocks(1000);
        blocks.give_back(blocks.take(64));

        blocks.sweep();
        CHECK(blocks.kept() > 0);
        blocks.sweep();
        CHECK(blocks.kept() == 0);
    }
}
