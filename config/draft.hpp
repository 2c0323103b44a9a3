// poise.yaml as it is being read: the services and what they start from.
#pragma once

#include "config/model.hpp"

#include <vector>

namespace poise::config {

struct Draft {
    Service defaults;
    std::vector<Service> services;
    std::vector<Certificate> certificates;
    std::vector<FloatingAddress> floating_ips;
};

}  // namespace poise::config
