// The administration's way to the running program: its questions, carried to the control thread.
#pragma once

#include "admin/admin.hpp"
#include "admin/program.hpp"
#include "app/client_list.hpp"
#include "app/runtime.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "pool/monitor.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

/// What the administration of this node is to be, made from node.yaml. Reads the environment:
/// call it while there is one thread.
admin::AdminOptions admin_options(const config::Node& node, const std::string& config_path,
                                  const std::string& node_path);

/// Made, started and stopped by the control thread, around Runtime::run().
class AdminDoor final : private admin::Program {
public:
    /// Both outlive it.
    AdminDoor(admin::AdminOptions options, Runtime& runtime, Log& log);
    ~AdminDoor() override;  // stops
    AdminDoor(const AdminDoor&) = delete;
    AdminDoor& operator=(const AdminDoor&) = delete;

    std::expected<void, std::string> start();
    /// Nobody waits for the control thread any more; then the administration's thread ends.
    void stop();

    void tell(const pool::ServerEvent& event);
    void tell(const ReloadOutcome& outcome);
    const admin::Admin& admin() const { return admin_; }

private:
    std::string status_json() override;
    std::optional<std::string> order(const std::string& service, const std::string& server,
                                     admin::ServerOrder order, std::uint32_t weight) override;
    std::optional<std::string> incidents_json(const std::string& about) override;
    std::string order_pair(admin::PairOrder order) override;
    admin::ConfigOutcome reload() override;
    admin::ConfigOutcome check(const std::string& text) override;
    std::vector<admin::CertificateFacts> certificates() override;
    std::expected<std::string, std::string> clients_json(const admin::ListFilter& filter) override;
    bool forget_client(const std::string& service, const std::string& key) override;
    std::string flows_json(const admin::ListFilter& filter) override;

    ClientTable client_table(const std::string& service);

    // False when the program stops: `work` has not been done then, and will not be.
    bool on_control_thread(const std::function<void()>& work);

    struct Gate;
    Runtime& runtime_;
    const std::string config_path_;
    std::shared_ptr<Gate> gate_;
    admin::Admin admin_;
};

}  // namespace poise::app
