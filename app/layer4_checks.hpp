// What `poise check` asks the machine and its network about modes dr and nat.
#pragma once

#include "config/model.hpp"
#include "tls/problem.hpp"

#include <vector>

namespace poise::app {

/// Of what is good in itself, but does not work here and now: masquerading by a kernel that
/// forwards nothing, and real servers of mode dr that answer ARP for the virtual address. Asks
/// the network, which takes a third of a second when there is such a service; says nothing of what
/// this user may not ask.
std::vector<tls::Problem> layer4_warnings(const config::Config& config);

/// Whether the kernel forwards packets of this family.
bool kernel_forwards(bool v4);

}  // namespace poise::app
