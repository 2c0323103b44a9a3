// The descriptors that the guardian's process starts with.
#pragma once

namespace poise::ha {

constexpr int guardian_memory_fd = 3;  // GuardianMemory
constexpr int guardian_main_fd = 4;    // a pidfd of the main process

}  // namespace poise::ha
