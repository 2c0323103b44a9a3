// Checks of what no single key can know: whether the parts of a configuration fit together.
#pragma once

#include "config/model.hpp"
#include "config/places.hpp"

namespace poise::config {

/// Adds an error for each contradiction in `services`. What is broken already is not judged
/// again. Looks at files (a script must be executable); resolves no names.
void validate(const std::vector<Service>& services, const Checks& checks);

/// The parts of validate().
void validate_layer4(const Service& service, const std::string& path, const Checks& checks);
void validate_ranges(const std::vector<Service>& services, const Checks& checks);
void validate_service(const Service& service, const std::string& path, const Checks& checks);
void validate_listeners(const std::vector<Service>& services, const Checks& checks);
void validate_tls(const std::vector<Service>& services,
                  const std::vector<Certificate>& certificates, const Checks& checks);
void validate_floating_ips(const std::vector<FloatingAddress>& all, const Checks& checks);
/// Of node.yaml.
void validate_cluster(const Cluster& cluster, const Checks& checks);
void validate_alerts(const Alerts& alerts, const Checks& checks);
void validate_rules(const std::vector<Service>& services, const Checks& checks);

}  // namespace poise::config
