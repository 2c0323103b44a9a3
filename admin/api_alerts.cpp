// What is wrong now, and whether the messages about it get through.
#include "admin/alerts.hpp"
#include "admin/handlers.hpp"
#include "admin/problem.hpp"

namespace poise::admin {

Response get_alerts(Api& api, const Call&) {
    return ok(api.alerts.to_json());
}

Response test_alerts(Api& api, const Call& call) {
    const auto now = std::chrono::floor<std::chrono::seconds>(api.now().time_since_epoch()).count();
    if (!api.alerts.test(call.who.name, now)) {
        return problem(409, "alerts", "There is nobody to tell",
                       "node.yaml names neither alerts.smtp nor alerts.webhook");
    }
    record(api, call, "test of the alerts", "", "", "");
    Response response = ok(R"({"ordered":true})");
    response.status = 202;  // GET /api/v1/alerts tells how it went
    return response;
}

}  // namespace poise::admin
