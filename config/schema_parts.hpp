// The tables of the mappings inside a service. Each is bound to the struct of its name.
#pragma once

#include "config/schema.hpp"

namespace poise::config {

Mapping limits_mapping();
Mapping health_mapping();
Mapping agent_mapping();
Mapping persistence_mapping();
Mapping listen_mapping();
Mapping server_mapping();
Mapping match_mapping();
Mapping rule_mapping();
Mapping fallback_mapping();
Mapping certificate_mapping();
Mapping listen_tls_mapping();
Mapping server_tls_mapping();
Mapping hsts_mapping();
Mapping floating_ip_mapping();
Mapping cluster_mapping();
Mapping alerts_mapping();
Mapping layer4_mapping();

}  // namespace poise::config
